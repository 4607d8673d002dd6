"""The operator's page: HTML made on the server, that works without scripts and loads nothing from elsewhere."""
