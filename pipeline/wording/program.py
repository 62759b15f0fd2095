"""What the program is called."""

PROGRAM = "Consistency Pipeline"
SHORT_NAME = "Consistency"  # before what we put among the things of others: undo steps, collections, tabs
