"""Random generators that depend on names alone, so that one picture can be made again by itself."""

import hashlib

import numpy as np


def generator(*names):
    """A generator seeded by the names: the same on every machine."""
    text = "\x00".join(str(name) for name in names)
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def pick(rng, choices):
    """One of a sequence."""
    return choices[int(rng.integers(len(choices)))]
