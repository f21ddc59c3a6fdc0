"""Rules of towns, people, passwords, throttling and keys. Pure: time and randomness are passed in."""
