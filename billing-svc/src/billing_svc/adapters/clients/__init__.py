"""The two services that billing calls."""
