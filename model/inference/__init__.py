"""Predict the classes in frames, and how uncertain they are."""
