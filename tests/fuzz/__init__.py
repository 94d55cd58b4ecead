"""Mutated files of every format that is read, each case from its own seed; `python -m tests.fuzz` runs them in a process of its own."""
