"""The model versions of a workspace: loaded, described, exported."""
