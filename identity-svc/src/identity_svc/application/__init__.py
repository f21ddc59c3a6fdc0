"""One use case per file; the world is reached through ``ports`` only."""
