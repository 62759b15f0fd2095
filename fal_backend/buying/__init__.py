"""One thing bought, from the request to the file, without ever paying twice. Runs in the child process."""
