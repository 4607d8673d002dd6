"""Jobs that outlive the process which asked for them: a queue in a database, at least once, one row for a key."""
