"""Child processes: a line of JSON either way. The parent's end, and the file that the child runs."""
