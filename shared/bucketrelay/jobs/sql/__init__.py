"""The queue's SQL: queries by name in one file for each database, migrations in a folder for each."""
