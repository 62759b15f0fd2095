"""Limits on money, what was spent on which day, and what runs have cost. All in USD."""
