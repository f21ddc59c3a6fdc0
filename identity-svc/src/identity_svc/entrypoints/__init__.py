"""Doors: gRPC and the command line."""
