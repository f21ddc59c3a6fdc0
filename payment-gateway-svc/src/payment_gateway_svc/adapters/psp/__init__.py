"""One module per provider; its words stay in it."""
