"""The child process that talks to fal.ai: what it runs, what it says, and how it is started and asked."""
