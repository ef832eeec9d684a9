"""Pictures and pages: overlays, plots, HTML."""
