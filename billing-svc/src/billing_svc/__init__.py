"""What is owed, and what is settled."""
