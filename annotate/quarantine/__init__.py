"""Frames that may show who the patient is: listed, looked at, released or dropped."""
