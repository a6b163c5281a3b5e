"""The database: engines, units of work, column types, migrations."""
