"""The live server for Label Studio: drafts when a frame is opened, a pull when outlines are submitted."""
