"""From outside into the workspace: scans, and outlines that a department has already."""
