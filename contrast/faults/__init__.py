"""The faults, one module each, which ends with a `Fault`: see contrast/fault.py."""
