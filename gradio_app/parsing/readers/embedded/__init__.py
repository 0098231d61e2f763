"""Embedded reader: scans, tables and columns by small models that come with the installation.

Covers: facts of a page (words, rules, pictures, regions), OCR, tables, reading order, paragraphs, and the
mending of pages that MinerU's flash read wrongly. A page that was read is a list of MinerU's own blocks.
Does not cover: which pages are read by it, and the comparison of page and result (``parsing.check``).
"""
