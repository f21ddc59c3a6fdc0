"""The platform on one machine: embedded servers, every process, demo towns, traces; and the `preau` command."""
