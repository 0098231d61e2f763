"""Workers on several machines: a head that assigns shards, and an agent on each machine (Ray)."""
