"""A local or an existing Label Studio: its connection, logins, calls and failures."""
