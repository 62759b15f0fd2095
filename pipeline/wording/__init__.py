"""Lengths, lists, money and long lines as people read them."""
