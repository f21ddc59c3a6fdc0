"""The rules of money: pure, no input or output."""
