"""What an artist edits before a run: the product, the angles, the light, the settings."""
