"""Measures what becomes of pages: public ones, and ones made from known text beside other programs."""
