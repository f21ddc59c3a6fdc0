"""What the ports stand on: PostgreSQL, the other services, Typst."""
