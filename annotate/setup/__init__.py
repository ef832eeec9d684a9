"""`dmr init`: a new workspace, with settings that fit what a department has."""
