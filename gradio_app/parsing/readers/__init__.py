"""Readers of pages: one module for each way to read a page."""
