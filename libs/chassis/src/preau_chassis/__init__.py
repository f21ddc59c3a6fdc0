"""What every service stands on: gRPC, database, events, settings, logs and traces. README.md is the contract."""
