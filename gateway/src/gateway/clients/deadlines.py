"""How long a caller waits, in seconds; each hop passes on what remains."""

READ = 2.0
WRITE = 5.0
PSP = 15.0
TOTAL = 20.0
