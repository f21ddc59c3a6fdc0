"""The agenda's outside: PostgreSQL, events, public holidays."""
