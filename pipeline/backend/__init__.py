"""What the chain asks for and of whom: the two ports, the requests, and the backend that needs no service."""
