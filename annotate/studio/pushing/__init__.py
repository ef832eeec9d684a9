"""Frames, drafts and their order go to physicians."""
