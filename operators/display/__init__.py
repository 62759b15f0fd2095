"""What the panels and viewports show, and how it is shown."""
