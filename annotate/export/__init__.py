"""`dmr export`: the workspace's outlines as files of other formats."""
