"""The web front of the platform: pages, JSON API, providers' notifications. Holds no data."""
