"""Blender data of one scene: collections, geometry, and what is evaluated or set aside."""
