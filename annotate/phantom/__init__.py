"""A synthetic Shamrock view with exact labels: to show the loop, to test it, to compare selectors."""
