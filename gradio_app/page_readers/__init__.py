"""Readers of pages by models other than MinerU's: one file each, with questions, parser, weights, sizes.

They are loaded by name (``base/page_readers.py``), also where nothing is parsed: only the standard library
when a module is imported.
"""
