"""`dmr init`: a new workspace, with settings that fit a department's files."""
