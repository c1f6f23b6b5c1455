"""Simulators: random actors on the real database, long enough for what nobody thought of."""
