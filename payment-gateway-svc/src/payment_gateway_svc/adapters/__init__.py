"""The database, the providers, the bus."""
