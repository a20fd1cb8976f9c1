"""Written by generate.py from `_async`; do not edit.

The methods of a sync client."""
