"""What was submitted becomes revisions, or is held, or says why it cannot be read."""
