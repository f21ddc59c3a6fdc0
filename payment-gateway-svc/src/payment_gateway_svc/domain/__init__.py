"""What an attempt to collect money is, and how it moves. Pure: instants and identifiers are given."""
