"""Use cases, one file each, and the ports they speak to."""
