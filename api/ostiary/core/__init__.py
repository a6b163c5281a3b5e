"""Mechanics without Flask and without a database: clock, ids, problems, hashing, signing, sealing, logging."""
