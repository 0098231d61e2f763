"""Durable queue state: task records and their states, the schema, SQL, listing and statistics."""
