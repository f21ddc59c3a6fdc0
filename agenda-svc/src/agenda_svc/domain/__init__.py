"""The rules of booking. Pure: instants and identifiers come in as arguments, nothing here asks the machine."""
