"""identity-svc: who is calling, from which town, for which household."""
