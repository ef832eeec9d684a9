"""Outlines <-> masks: painting, tracing, simplifying. Pure: arrays and points."""
