"""A model judged on labelled frames: figures, tables, the page."""
