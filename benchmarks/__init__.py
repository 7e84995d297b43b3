"""One module for each figure we claim; `python -m benchmarks` runs all and writes RESULTS.md.

Each has `main(small: bool = False) -> dict`, prints one line of JSON last, and with `small` ends
in seconds, with figures that mean nothing, so that a test can run it. See `common.py`.
"""
