"""What the lists tell, in tables: each list is read once by all who share a database, and who asks reads sums."""
