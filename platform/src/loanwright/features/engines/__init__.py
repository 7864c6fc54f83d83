"""What runs the texts: DuckDB, or Spark."""
