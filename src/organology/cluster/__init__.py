"""Recognition on many machines (extra `cluster`): Ray does the work, results go to a Parquet dataset.

`job.run` recognizes, `dataset.Dataset` is where results lie, `query` answers from them, `transfer` copies between a
dataset and a store. Importing this package imports neither Ray nor Arrow.
"""
