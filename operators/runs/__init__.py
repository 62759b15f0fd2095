"""What runs a run: from a button to a chain that is advanced, asked about, cancelled and gone on with."""
