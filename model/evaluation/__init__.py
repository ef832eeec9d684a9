"""Evaluate a model on labelled frames: figures, tables and a page."""
