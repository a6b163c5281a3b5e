"""Building blocks that use neither Flask nor a database: clock, ids, problems, hashing, signing, sealing, logging."""
