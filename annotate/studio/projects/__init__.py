"""A workspace's projects in Label Studio: made, found, completed."""
