"""SQLite and PostgreSQL, for the rooms that keep tables in them: connections, queries by name, migrations."""
