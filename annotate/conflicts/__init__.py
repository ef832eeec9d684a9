"""Frames whose readers disagree: listed, shown, settled."""
