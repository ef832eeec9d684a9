"""How far a command is: counted, and shown in a terminal or as lines of text."""
