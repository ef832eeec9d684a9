"""Outlines that are perhaps wrong: those with which models disagree that have not learnt from the patient."""
