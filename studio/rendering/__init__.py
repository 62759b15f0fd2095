"""Renders: scene, device, passes, and whether the frame holds what Cycles draws."""
