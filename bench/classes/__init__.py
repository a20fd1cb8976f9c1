"""The picture classes that classes.py makes and measures."""
