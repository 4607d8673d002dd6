"""Amazon S3, every S3-compatible server, and Lambda."""
