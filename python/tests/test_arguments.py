"""What annotations make of a request's values: ``python -m unittest discover -s python/tests``."""

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import sys
import typing
import unittest
import uuid
from typing import Any, Dict, List, Literal, NamedTuple, Optional, Sequence, Set, Tuple, Union

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from resight._bind import BadArgument, Signature, arguments  # noqa: E402


class Colour(enum.Enum):
    red = "red"


class Level(int, enum.Enum):
    high = 2


@dataclasses.dataclass
class Box:
    left: int
    names: List[str] = dataclasses.field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: float = 0.0


def taking(annotation, default=...):
    """A function with one parameter of this annotation."""
    if default is ...:

        def f(value):
            return value

    else:

        def f(value=default):
            return value

    f.__annotations__["value"] = annotation
    return f


def given(function, texts=(), body=None, files=(), named=None):
    item = {"t": [list(pair) for pair in texts], "k": named or {}}
    if body is not None:
        item["j"] = json.dumps(body)
    item["x"] = [
        {"t": "bytes", "p": i, "n": name, "f": file_name, "c": "image/png"}
        for i, (name, file_name, _) in enumerate(files)
    ]
    signature = Signature(function.__name__, function, False)
    args, keywords = arguments(signature, item, lambda i: files[i][2])
    return function(*args, **keywords)


class Values(unittest.TestCase):
    def test_texts(self):
        at = datetime.datetime(2024, 1, 2, 3, 4, 5, 500000, datetime.timezone.utc)
        east = datetime.timezone(datetime.timedelta(hours=2))
        for annotation, texts, wanted in [
            (str, ["1e5"], "1e5"),
            (Any, ["007"], "007"),
            (Optional[str], ["null"], "null"),
            ("Optional[str]", ["true"], "true"),
            ("str | None", [""], ""),
            (int, ["-3"], -3),
            ("int | None", ["12345678901234567890123"], 12345678901234567890123),
            (float, ["1e5"], 1e5),
            (bool, ["True"], True),
            (Optional[bool], ["False"], False),
            ("Optional[bool]", ["off"], False),
            (bool, ["1"], True),
            (bool, ["on"], True),
            (bool, ["No"], False),
            (decimal.Decimal, ["1.10"], decimal.Decimal("1.10")),
            (datetime.datetime, ["2024-01-02T03:04:05.5Z"], at),
            (datetime.datetime, ["2024-01-02"], datetime.datetime(2024, 1, 2)),
            # A plus sign that was not escaped.
            (datetime.datetime, ["2024-01-02T03:04 02:00"], datetime.datetime(2024, 1, 2, 3, 4, tzinfo=east)),
            (datetime.date, ["2024-02-29"], datetime.date(2024, 2, 29)),
            (datetime.time, ["03:04"], datetime.time(3, 4)),
            (datetime.timedelta, ["90"], datetime.timedelta(seconds=90)),
            (uuid.UUID, [str(uuid.UUID(int=7))], uuid.UUID(int=7)),
            (pathlib.Path, ["/a b"], pathlib.Path("/a b")),
            (Colour, ["red"], Colour.red),
            (Level, ["2"], Level.high),
            (Literal["a", 3], ["3"], 3),
            (Union[int, str], ["x"], "x"),
            (Union[int, str], ["5"], 5),
            (bytes, ["\u00e9"], b"\xc3\xa9"),
            (List[str], ["a"], ["a"]),
            (List[str], ["a", "b"], ["a", "b"]),
            ("list[int]", ["1", "2"], [1, 2]),
            (Sequence[float], ["1", "2.5"], [1.0, 2.5]),
            (Set[str], ["a", "a"], {"a"}),
            (Tuple[int, ...], ["1"], (1,)),
            (Tuple[int, str], ["1", "x"], (1, "x")),
            (list, ["1", "x"], ["1", "x"]),
            (Optional[List[bytes]], ["a", "b"], [b"a", b"b"]),
            (List[int], ["[1, 2]"], [1, 2]),
            (Dict[str, int], ['{"a": 1}'], {"a": 1}),
            (Box, ['{"left": 1, "names": ["x"]}'], Box(1, ["x"])),
        ]:
            got = given(taking(annotation), [("value", text) for text in texts])
            self.assertEqual((got, type(got)), (wanted, type(wanted)), (annotation, texts))

    def test_json_keeps_its_types(self):
        for annotation, value, wanted in [
            (Any, 1e5, 1e5),
            (Any, "1e5", "1e5"),
            (int, 3, 3),
            (int, "3", 3),
            (float, 3, 3.0),
            (Optional[int], None, None),
            (Union[int, str], "5", "5"),
            (List[Box], [{"left": 1}], [Box(1)]),
            (Point, {"x": 1}, Point(1)),
            (Point, [1, 2], Point(1, 2.0)),
            (datetime.date, "2024-01-02", datetime.date(2024, 1, 2)),
        ]:
            got = given(taking(annotation), body={"value": value})
            self.assertEqual((got, type(got)), (wanted, type(wanted)), (annotation, value))
        self.assertEqual(given(taking(Box), body={"left": 2}), Box(2), "the whole body")

    def test_what_does_not_fit_is_refused_by_name(self):
        for annotation, texts, words in [
            (int, ["x"], ['"x"', "int"]),
            (int, ["1", "2"], ["2 times", "as a list"]),
            (Any, ["1", "2"], ["2 times"]),
            (Optional[int], ["null"], ["Optional"]),
            (bool, ["maybe"], ["on and off"]),
            (List[int], ["1", "x"], ["value 2", '"x"']),
            (datetime.date, ["2024-02-30"], ["datetime.date"]),
            (datetime.date, ["20240102"], ["datetime.date"]),
            (uuid.UUID, ["1"], ["UUID"]),
            (Colour, ["blue"], ["'red'"]),
            (Literal["a"], ["b"], ["'a'"]),
            (Box, ['{"right": 1}'], ["'right'"]),
            (Tuple[int, str], ["1"], ["2 values"]),
            (int, ["9" * 100 + "x"], ["9…"]),
        ]:
            with self.assertRaises(BadArgument, msg=str(annotation)) as caught:
                given(taking(annotation), [("value", text) for text in texts])
            for word in ["value", *words]:
                self.assertIn(word, str(caught.exception))
        for annotation, value in [(str, 5), (int, True), (int, 1.5), (List[str], "a"), (bytes, 5)]:
            with self.assertRaises(BadArgument, msg=str(annotation)):
                given(taking(annotation), body={"value": value})

    def test_empty_fields_of_a_form_count_as_not_given_where_they_can(self):
        self.assertEqual(given(taking(int, 7), [("value", "")]), 7)
        self.assertIsNone(given(taking(Optional[int]), [("value", "")]))
        self.assertEqual(given(taking(str, "x"), [("value", "")]), "")
        self.assertEqual(given(taking(Any, "x"), [("value", "")]), "")
        with self.assertRaises(BadArgument):
            given(taking(int), [("value", "")])
        # A field for files in which none was chosen.
        self.assertIsNone(given(taking(Optional[bytes], None), files=[("value", "", b"")]))

    def test_names_that_only_type_checkers_know_say_nothing(self):
        self.assertEqual(given(taking("Unknown[int]"), [("value", "5")]), "5")

    def test_limits_of_annotated(self):
        class AtLeast:
            ge = 2

        annotated = getattr(typing, "Annotated")[int, AtLeast()]
        self.assertEqual(given(taking(annotated), [("value", "2")]), 2)
        with self.assertRaisesRegex(BadArgument, "at least 2"):
            given(taking(annotated), [("value", "1")])


class Places(unittest.TestCase):
    def test_missing_and_unknown_arguments_are_named(self):
        def f(first: int, second="x"):
            return [first, second]

        with self.assertRaisesRegex(BadArgument, r"needs the argument first \(int\)"):
            given(f)
        with self.assertRaisesRegex(BadArgument, r"no argument 'third'; it has: first \(int\), second"):
            given(f, [("first", "1"), ("third", "1")])
        with self.assertRaisesRegex(BadArgument, "first.*2 times"):
            given(f, [("first", "1")], body={"first": 2})
        self.assertEqual(given(f, [("second", "1e5")], body={"first": 2}), [2, "1e5"])

    def test_every_kind_of_parameter(self):
        def f(a, /, b: int, *rest, c: bool = False, **others: int):
            return [a, b, rest, c, others]

        texts = [("a", "1"), ("b", "2"), ("c", "on"), ("d", "4")]
        self.assertEqual(given(f, texts), ["1", 2, (), True, {"d": 4}])
        with self.assertRaisesRegex(BadArgument, "'d' 2 times"):
            given(f, texts + [("d", "5")])

        def g(a=1, b=2, *, c=3):
            return [a, b, c]

        self.assertEqual(given(g, [("b", "x")]), [1, "x", 3])

    def test_files(self):
        def one(data: bytes, name: str = "-"):
            return [data, name]

        def many(images: List[bytes]):
            return images

        def two(first, second):
            return [first, second]

        def no_file(name: str):
            return name

        a, b = ("data", "a.png", b"a"), ("data", "b.png", b"b")
        self.assertEqual(given(one, [("name", "x")], files=[a]), [b"a", "x"])
        with self.assertRaisesRegex(BadArgument, "data.*2 times.*'b.png'"):
            given(one, files=[a, b])
        # A name that is no parameter's stands for the next one that takes files.
        self.assertEqual(given(one, files=[("upload", "a.png", b"a")]), [b"a", "-"])
        self.assertEqual(given(many, files=[a, b]), [b"a", b"b"])
        self.assertEqual(given(two, files=[("x", "a", b"a"), ("y", "b", b"b")]), [b"a", b"b"])
        self.assertEqual(given(two, [("first", "1")], files=[("x", "a", b"a")]), ["1", b"a"])
        with self.assertRaisesRegex(BadArgument, "'data'"):
            given(no_file, [("name", "x")], files=[a])
        with self.assertRaisesRegex(BadArgument, "name is str; a file 'a.png' of 1 bytes"):
            given(no_file, files=[("name", "a.png", b"a")])
        self.assertEqual(given(no_file, files=[("name", None, b"a")]), "a")

    def test_a_function_that_does_not_say_what_it_takes(self):
        item = {"t": [["b", "2"]], "k": {"a": 1}}
        self.assertEqual(arguments(None, item, None), ([], {"a": 1, "b": "2"}))


if __name__ == "__main__":
    unittest.main()
