"""Measures what becomes of documents: made ones whose truth is known, by us, MinerU alone and others."""
