"""The SQL of what the lists tell: queries by name in one file, migrations in a folder for each database."""
