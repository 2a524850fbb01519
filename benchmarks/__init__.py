"""Measurements of speed: ``python -m benchmarks --help``; the results are in RESULTS.md."""
