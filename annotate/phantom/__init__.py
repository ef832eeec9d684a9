"""A synthetic Shamrock view with exact outlines, to show and test the loop and to compare selectors."""
