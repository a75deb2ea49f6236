"""What runs in the containers of the benchmarks: this folder is mounted there alone, see bench.containers.INSIDE.

A module is run by its whole name, `python -m bench.inside.etl.measure`, so that it hides no library of that name. It
imports the standard library, what its image has, and other modules of this folder.
"""
