"""How the agenda is reached: gRPC and events."""
