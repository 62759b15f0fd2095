"""What a press of each button does: read the context, call what does the work, report."""
