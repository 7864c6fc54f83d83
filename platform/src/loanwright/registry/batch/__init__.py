"""Scoring many rows: from a file, a folder or an S3 prefix into a place of parts, by several processes."""
