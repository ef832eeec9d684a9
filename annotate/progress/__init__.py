"""Progress of a command, shown as bars in a terminal or as lines of text."""
