"""Worker processes: the pool, the inside of one, and clusters. A worker imports few of these modules."""
