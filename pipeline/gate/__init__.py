"""The geometry gate: whether a still shows the product of its render, and what follows when it doesn't."""
