"""What a class of pictures is."""

import dataclasses
from typing import Callable


class Missing(Exception):
    """What the class needs cannot be had here: the class is skipped, and the reason printed."""


@dataclasses.dataclass
class Maker:
    """A class of pictures.

    prepare(env) gets what the class needs and returns subject(rng, group): an RGB picture (uint8,
    height x width x 3). marks(groups) lists the groups that share a mark. A `digital` class is born
    on a screen: its first view is a PNG and half of its other views are crops of the file. `fills`
    says that a subject fills the frame, so that no view shows a desk around it.
    """

    prepare: Callable
    marks: Callable = lambda groups: []
    digital: bool = False
    fills: bool = False


@dataclasses.dataclass
class Environment:
    """What the command line gives to every class."""

    seed: int
    photos: object
    groups: int


def shared_by_turns(count):
    """Group g has mark g mod count."""
    def marks(groups):
        lists = [[g for g in range(groups) if g % count == mark] for mark in range(count)]
        return [one for one in lists if len(one) > 1]
    return marks
