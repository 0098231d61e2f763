"""Worker processes: the pool, the inside of one, and clusters. Import its modules: a worker loads few of them."""
