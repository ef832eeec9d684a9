"""The in-house database: its tables and queries."""
