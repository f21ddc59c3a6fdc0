"""How money is asked for: payment attempts, one adapter per provider, and one look-up that tells the truth."""
