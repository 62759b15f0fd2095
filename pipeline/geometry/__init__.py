"""Where cameras stand, and where faces coincide: numbers only."""
