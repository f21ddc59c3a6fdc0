"""One file a use case; speaks only to the ports."""
