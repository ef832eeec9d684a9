"""What physicians see around a frame, and what they can draw with. Pure."""
