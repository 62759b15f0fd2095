"""Product files and what they refer to: read, checked, packed."""
