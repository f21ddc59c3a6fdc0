"""The agenda's database. Reservations are read and written by three SQL functions, in ``migrations/sql``."""
