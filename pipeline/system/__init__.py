"""The operating system: whole files, locks, processes."""
