"""One file a section of a report: run them with ``python -m experiments.NAME``."""
