"""How long a caller waits, in seconds; each hop passes on what remains."""

READ = 2.0
WRITE = 5.0
PSP = 15.0
SIGN_IN = 15.0
"""Passwords are slow to check, and at a town's opening hour there is a line: better waited for than refused."""
TOTAL = 20.0
