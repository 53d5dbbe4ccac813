"""Answering queries from a Parquet dataset, with the conditions pushed down to it."""
