"""Functions that do what a plug-in must not do."""
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

leaked = []
kept = []


def ok():
    return "fine"


def pid():
    return os.getpid()


def raises():
    helper()


def helper():
    raise ValueError("a bad day")  # LINE-OF-RAISE


def exits():
    sys.exit(3)


def exits_hard():
    os._exit(7)


def aborts():
    os.abort()


def null():
    ctypes.string_at(0)  # LINE-OF-NULL


def deep():
    sys.setrecursionlimit(10**9)
    threading.stack_size(0)

    class A:
        def __getattr__(self, name):
            return getattr(self, name + "x")

    def down(n):
        return repr(Nest(n))

    class Nest:
        def __init__(self, n):
            self.n = n

        def __repr__(self):
            return "%r" % (Nest(self.n + 1),)

    return down(0)


def forks():
    for _ in range(100):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    time.sleep(60)


def children():
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    return "left two"


def children_then_die():
    children()
    os._exit(1)


def endless():
    while True:  # LINE-OF-LOOP
        pass


def endless_c():
    ctypes.PyDLL(None).pause()


def hoards(megabytes):
    leaked.append(bytearray(b"x") * (megabytes << 20))
    time.sleep(5)


def leaks(megabytes):
    leaked.append(bytearray(b"x") * (megabytes << 20))


def closes():
    os.closerange(0, 4096)


def closes_and_stays():
    os.closerange(3, 4096)
    while True:
        time.sleep(1)


def sockets():
    import stat

    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                yield fd
        except OSError:
            pass


def garbage(kind):
    junk = {"noise": b"\x00garbage" * 100, "long": b"RSG1\x12\0\0\0" + b"\xff" * 100}[kind]
    for fd in list(sockets()):
        try:
            os.write(fd, junk)
        except OSError:
            pass


def noisy():
    for i in range(2000):
        print("line", i)
    os.write(1, b"\xff\x00" * 50_000)
    os.write(2, b"y" * 100_000)
    return "printed"


def kill_me():
    os.kill(os.getpid(), signal.SIGKILL)


def nap(seconds):
    time.sleep(seconds)
    return "slept"


def polite():
    import resight

    for _ in range(1000):
        if resight.cancelled():
            leaked.append("cancelled")
            return "stopped"
        time.sleep(0.01)
    return "never"


def told():
    return leaked.count("cancelled")


def inner_bytes():
    return {"a": [1.0, b"x"]}


def unsayable():
    return object()


def nested():
    value = []
    for _ in range(200_000):
        value = [value]
    return value


def echo(*values, **named):
    return [v if not isinstance(v, bytes) else len(v) for v in values] + [sorted(named)]


def keep(image):
    kept.append(image)
    return len(kept)


def kept_first():
    return [int(memoryview(k).cast("B")[0]) for k in kept]


def write(image):
    image[0, 0, 0] = 1


def back(data):
    return data


async def later():
    return "later"


def embed(images):
    vectors = []
    for image in images:
        first = memoryview(image).cast("B")[0]
        if first == 66:
            os._exit(66)
        if first == 67:
            raise ValueError("sixty-seven")
        if first == 68:
            os.kill(os.getpid(), signal.SIGKILL)
        vectors.append([float(first), float(len(images))])
    return vectors


def extract(image):
    way = memoryview(image).cast("B")[0]
    point, row = [1.0, 2.0, 3.0, -1.0], [1, 2, 3, 255]
    return {
        0: {"keypoints": [point, point], "descriptors": [row, row]},
        1: None,
        2: {"keypoints": [point]},
        3: {"keypoints": [point], "descriptors": [[]]},
        4: {"keypoints": [point], "descriptors": [row, row]},
        5: {"keypoints": [[1.0, 2.0, float("nan"), 0.0]], "descriptors": [row]},
        6: {"keypoints": [[9000.0, 2.0, 1.0, 0.0]], "descriptors": [row]},
        7: {"keypoints": [[1.0, 2.0, 0.0, 0.0]], "descriptors": [row]},
        8: {"keypoints": [[1.0, 2.0]], "descriptors": [row]},
        9: {"keypoints": [point], "descriptors": [["a", "b"]]},
        10: {"keypoints": [point], "descriptors": [[0.5, float("inf")]]},
        11: ([], []),
        12: {"keypoints": [point], "descriptors": None},
        13: 42,
        14: ([point], [[1, 2], [3]]),
    }[way]
