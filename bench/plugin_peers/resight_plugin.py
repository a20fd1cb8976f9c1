"""The functions as a plug-in; pictures come decoded."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import work  # noqa: E402


def noop():
    return work.run("noop")


def ms1():
    return work.run("ms1")


def ms20():
    return work.run("ms20")


def sift(image):
    return work.describe(image)


def loop():
    return work.run("loop")
