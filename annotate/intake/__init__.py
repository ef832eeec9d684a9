"""Import: scans and existing outlines from outside become frames and revisions of the workspace."""
