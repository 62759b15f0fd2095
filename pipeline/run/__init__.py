"""A run on disk: its folder, its journal, who works on it, and how far it is."""
