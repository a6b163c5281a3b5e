"""Attacks on a server beside a quiet client that must not notice them: `python -m benchmarks.hostile`."""
