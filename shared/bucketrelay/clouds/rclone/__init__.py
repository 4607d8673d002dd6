"""Any of rclone's backends as a store, through one long-lived `rclone rcd` that we start and watch."""
