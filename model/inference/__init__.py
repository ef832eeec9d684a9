"""Frames in, classes and the uncertainty about them out."""
