"""PostgreSQL, argon2, Ed25519, SMTP: what the ports stand for."""
