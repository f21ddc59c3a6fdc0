"""The platform on one machine: embedded servers, every process, demo towns, traces; and the `preau` command."""

import os

# gRPC's fork handlers crash the child of a fork made while a call is open (grpc#13998), and starting a program
# under another user forks. Every fork here is followed by exec, which needs no handler. gRPC reads this once.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
