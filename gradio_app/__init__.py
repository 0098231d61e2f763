"""MinerU Optimized: documents in, Markdown out, through a queue that forgets nothing."""

__version__ = "0.1.0"
