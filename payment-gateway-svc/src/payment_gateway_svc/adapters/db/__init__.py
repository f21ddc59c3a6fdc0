"""Rows of the payment database."""
