"""HTTP with fal.ai: the only place where bytes for it leave this machine."""
