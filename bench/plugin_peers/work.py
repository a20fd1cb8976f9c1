"""The functions that every server of this bench serves."""

import time

import cv2
import numpy as np

cv2.setNumThreads(1)
_sift = cv2.SIFT_create(nfeatures=1000)


def spin(seconds):
    """Pure Python for so long of this thread's own processor time: waiting does not count."""
    end = time.thread_time() + seconds
    turns = 0
    while time.thread_time() < end:
        turns += 1
    return turns


def describe(rgb):
    found, rows = _sift.detectAndCompute(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), None)
    return {"keypoints": len(found), "sum": int(rows.sum())}


def describe_file(data):
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return describe(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def run(kind, data=None):
    if kind == "noop":
        return {"ok": True}
    if kind == "ms1":
        return {"turns": spin(0.001)}
    if kind == "ms20":
        return {"turns": spin(0.020)}
    if kind == "sift":
        return describe_file(data)
    while kind == "loop":
        pass
    raise ValueError(kind)
