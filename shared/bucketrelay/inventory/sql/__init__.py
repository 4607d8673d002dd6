"""The inventory's SQL: queries by name in one file, migrations in a folder for each database."""
