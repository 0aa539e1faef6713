"""A pooling over millions of texts: files in, Parquet shards out, on one machine or on a Ray cluster.

`reading` gives the rows of files, `shards` cuts them into parts and keeps what is made of each, `work` makes one part
and knows nothing of the others, `run` has them made one after another, and `on_ray` by the workers of a cluster.
"""
