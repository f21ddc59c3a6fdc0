"""Repositories in plain SQL on the chassis's unit of work; row-level security narrows every statement to one town."""
