"""`dmr status`: what is in a workspace, and what to do next."""
