"""The package on its own: ``python -m unittest discover -s python/tests`` from the repository."""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import resight  # noqa: E402
from resight._arrays import BadResult  # noqa: E402
from resight._bind import arguments  # noqa: E402
from resight._values import Result, picture  # noqa: E402


class Colour(enum.Enum):
    red = "red"


def said(function):
    return getattr(function, resight.MARK)


class Decorators(unittest.TestCase):
    def test_they_leave_the_function_as_it_is(self):
        @resight.function(route="/api/twice", methods=["get"])
        @resight.batch(max=4, wait_ms=2)
        def twice(x):
            return 2 * x

        self.assertEqual(twice(21), 42)
        expected = {"route": "/api/twice", "methods": ["GET"], "batch": {"max": 4, "wait_ms": 2.0}}
        self.assertEqual(said(twice), expected)

    def test_they_work_without_parentheses(self):
        self.assertEqual(said(resight.extractor(lambda image: None)), {"role": "extract"})
        self.assertEqual(said(resight.embedder(lambda images: None)), {"role": "embed"})
        self.assertEqual(said(resight.batch(lambda xs: xs))["batch"], {"max": 32, "wait_ms": 0.0})
        self.assertEqual(said(resight.warmup(lambda: None)), {"warmup": True, "hidden": True})

    def test_what_cannot_be_is_refused_where_it_is_written(self):
        with self.assertRaisesRegex(ValueError, "binary"):
            resight.extractor(kind="text")
        for wrong in ({"max": 0}, {"wait_ms": -1}):
            with self.assertRaisesRegex(ValueError, "at least"):
                resight.batch(**wrong)

    def test_nobody_cancels_outside_of_the_server(self):
        self.assertFalse(resight.cancelled())


class Arguments(unittest.TestCase):
    def test_parts_become_values(self):
        item = {
            "a": [1],
            "k": {"limit": 5},
            "x": [{"p": 0, "t": "picture", "w": 2, "h": 1}, {"p": 1, "t": "bytes", "n": "data"}],
        }
        parts = [memoryview(bytes(range(6))), memoryview(b"abc")]
        positional, keywords = arguments(None, item, parts.__getitem__)
        self.assertEqual(positional[0], 1)
        self.assertEqual(tuple(positional[1].shape), (1, 2, 3))
        self.assertEqual(positional[1].tolist(), [[[0, 1, 2], [3, 4, 5]]])
        self.assertEqual(keywords, {"limit": 5, "data": b"abc"})

    def test_a_picture_is_read_only(self):
        with self.assertRaises((TypeError, ValueError)):
            picture(bytes(3), 1, 1)[0, 0, 0] = 1


class Results(unittest.TestCase):
    def given(self, value):
        result = Result()
        result.value("f", value)
        (item,) = result.items
        return item, bytes(result.parts[item["p"]])

    def test_json(self):
        @dataclasses.dataclass
        class Found:
            name: str
            places: set

        for value, expected in [
            (None, None),
            ({"a": [1, 2.5, "é"]}, {"a": [1, 2.5, "é"]}),
            (Found("x", {2, 1}), {"name": "x", "places": [1, 2]}),
            (math.nan, None),
            ({"a": [math.inf, 0.5]}, {"a": [None, 0.5]}),
            ({5: 2, None: 3, True: 4}, {"5": 2, "null": 3, "true": 4}),
            ({datetime.date(2024, 1, 2): decimal.Decimal("1.50")}, {"2024-01-02": 1.5}),
            (decimal.Decimal("0.1000000000000000000001"), "0.1000000000000000000001"),
            # What can be read once only is not lost between two tries.
            ((n for n in [{uuid.UUID(int=1): 2}]), [{str(uuid.UUID(int=1)): 2}]),
            (Colour.red, "red"),
            ({Colour.red: pathlib.PurePosixPath("/a")}, {"red": "/a"}),
        ]:
            item, data = self.given(value)
            self.assertEqual((item["t"], json.loads(data)), ("json", expected))

    def test_bytes_with_their_type(self):
        for value, kind in [
            (b"abc", "application/octet-stream"),
            ((b"abc", "text/plain"), "text/plain"),
            (resight.File(bytearray(b"abc"), "a/b"), "a/b"),
        ]:
            item, data = self.given(value)
            self.assertEqual((item["t"], item["c"], data), ("bytes", kind, b"abc"))

    def test_what_json_cannot_say_is_refused_with_a_sentence(self):
        deep = []
        for _ in range(100_000):
            deep = [deep]
        for value in ({"a": b"x"}, object(), {1j: 2}, {(1, 2): 3}, deep):
            with self.assertRaisesRegex(BadResult, "f returned"):
                self.given(value)

    def test_local_features_are_checked(self):
        good = Result()
        good.local("extract", {"keypoints": [[1, 2, 3, 0]], "descriptors": [[0.5, 1.5]]})
        self.assertEqual((good.items[0]["n"], good.items[0]["d"]), (1, 2))
        for wrong in (
            None,
            {"keypoints": []},
            {"keypoints": [[1, 2]], "descriptors": [[1.0]]},
            {"keypoints": [[1, 2, 3, 0]], "descriptors": [[1.0], [2.0]]},
        ):
            with self.assertRaises(BadResult):
                Result().local("extract", wrong)

    def test_vectors_are_as_many_as_pictures(self):
        good = Result()
        good.vectors("embed", [[1, 2], [3, 4]], 2)
        self.assertEqual([item["d"] for item in good.items], [2, 2])
        with self.assertRaisesRegex(BadResult, "B = 3"):
            Result().vectors("embed", [[1, 2]], 3)


if __name__ == "__main__":
    unittest.main()
