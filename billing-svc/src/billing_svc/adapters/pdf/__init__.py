"""Documents as PDF/UA-1."""
