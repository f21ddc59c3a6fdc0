"""The front door for providers' notifications. Nothing is parsed or trusted here."""
