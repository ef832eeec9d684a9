"""Decode scan files in a child process that may die without harm: DICOM, video and pictures."""
