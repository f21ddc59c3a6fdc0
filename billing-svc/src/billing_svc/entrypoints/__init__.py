"""gRPC and the bus."""
