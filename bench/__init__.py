"""Measurements: ours beside a bare pool and MinerU's own API, in one run. ``make bench``."""
