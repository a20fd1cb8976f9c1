"""Functions whose parameters depend on other functions: ``python -m unittest discover -s python/tests``."""

import asyncio
import inspect
import pathlib
import sys
import types
import typing
import unittest
from typing import List, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from resight._bind import BadArgument, Signature, arguments  # noqa: E402
from resight._load import Function, functions  # noqa: E402


class Depends:
    """As FastAPI's, which need not be installed here."""

    def __init__(self, dependency=None, use_cache=True):
        self.dependency = dependency
        self.use_cache = use_cache


Depends.__module__ = "fastapi.params"


def depends():
    """Ours, and FastAPI's where it is installed."""
    try:
        from fastapi import Depends as real
    except ImportError:
        return [Depends]
    return [Depends, real]


def asked(call, **texts):
    """What the function returns for a request with these texts."""
    function = Function("f", call, {})
    item = {"t": [[name, text] for name, text in texts.items()]}
    args, keywords = arguments(function.signature, item, None)
    value = function.call(*args, **keywords)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


class Dependencies(unittest.TestCase):
    def test_a_parameter_gets_what_another_function_returns(self):
        for said in depends():

            def page(number: int = 1, size: int = 10):
                return [number, size]

            def listed(q: str, page=said(page), exact: bool = False):
                return [q, page, exact]

            self.assertEqual(asked(listed, q="x", number="3"), ["x", [3, 10], False])
            self.assertEqual(asked(listed, q="x", exact="on"), ["x", [1, 10], True])
            with self.assertRaisesRegex(BadArgument, r"'page'; it has: q \(str\), exact \(bool\), number"):
                asked(listed, q="x", page="3")
            with self.assertRaisesRegex(BadArgument, "size is int"):
                asked(listed, q="x", size="many")
            names = [p["name"] for p in Signature("f", Function("f", listed, {}).call, False).describe()]
            self.assertEqual(names, ["q", "exact", "number", "size"])

    def test_dependencies_depend_on_others_which_are_called_once(self):
        for said in depends():
            calls: List[str] = []

            def settings(mode: str = "fast"):
                calls.append("settings")
                return mode

            def left(mode=said(settings)):
                return "left " + mode

            def right(mode=said(settings), again=said(settings, use_cache=False)):
                return "right " + mode

            def both(a=said(left), b=said(right)):
                return [a, b]

            self.assertEqual(asked(both, mode="slow"), ["left slow", "right slow"])
            self.assertEqual(len(calls), 2, "once for all, and once for who asked for it")

    def test_classes_and_annotations(self):
        for said in depends():

            class Common:
                def __init__(self, q: Optional[str] = None, skip: int = 0):
                    self.q, self.skip = q, skip

            def by_class(common: Common = said()):
                return [common.q, common.skip]

            self.assertEqual(asked(by_class, skip="5"), [None, 5])

            def by_annotation(common: typing.Annotated[Common, said(Common)], last: int):
                return [common.q, common.skip, last]

            self.assertEqual(asked(by_annotation, q="x", last="2"), ["x", 0, 2])
            with self.assertRaisesRegex(BadArgument, "needs the argument last"):
                asked(by_annotation, q="x")

    def test_what_follows_yield_runs_at_the_end(self):
        for said in depends():
            events: List[str] = []

            def opened(name: str = "db"):
                events.append("open " + name)
                try:
                    yield name
                except ValueError:
                    events.append("failed")
                    raise
                finally:
                    events.append("close")

            def used(db=said(opened), fail: bool = False):
                events.append("use " + db)
                if fail:
                    raise ValueError("no")
                return db

            self.assertEqual(asked(used, name="x"), "x")
            self.assertEqual(events, ["open x", "use x", "close"])
            del events[:]
            with self.assertRaisesRegex(ValueError, "no"):
                asked(used, fail="1")
            self.assertEqual(events, ["open db", "use db", "failed", "close"])

            def silent():
                try:
                    yield 1
                except ValueError:
                    pass

            def fails(value=said(silent)):
                raise ValueError("no")

            with self.assertRaisesRegex(RuntimeError, "caught what the function raised"):
                asked(fails)

    def test_some_of_them_wait(self):
        for said in depends():
            events: List[str] = []

            async def session(name: str = "s"):
                events.append("open")
                yield name
                events.append("close")

            async def user(name=said(session)):
                await asyncio.sleep(0)
                return "user of " + name

            def plain(user=said(user)):
                return user

            async def waits(user=said(plain), n: int = 1):
                await asyncio.sleep(0)
                return [user, n]

            self.assertEqual(asked(plain, name="x"), "user of x")
            self.assertEqual(asked(waits, n="2"), ["user of s", 2])
            self.assertEqual(events, ["open", "close"] * 2)

    def test_what_cannot_be_called_is_refused_when_the_file_is_loaded(self):
        def circle(value=None):
            return value

        circle.__defaults__ = (Depends(circle),)
        with self.assertRaisesRegex(TypeError, "depends on itself"):
            Function("circle", circle, {})

        def nothing(value=Depends("name")):
            return value

        with self.assertRaisesRegex(TypeError, "value of .*nothing depends on nothing"):
            Function("nothing", nothing, {})

    def test_dependencies_are_not_served_by_themselves(self):
        module = types.ModuleType("a_plugin")
        code = '''
def settings(): return {"password": "x"}
def user(settings=Depends(settings)): return "me"
def shown(user=Depends(user)): return user
def other(): return 1
'''
        for said in depends():
            module.Depends = said
            exec(code, vars(module))
            self.assertEqual(sorted(functions(module)), ["other", "shown"])

    def test_dependencies_of_routes_are_refused(self):
        try:
            import fastapi
        except ImportError:
            self.skipTest("FastAPI is not installed")

        def auth():
            raise fastapi.HTTPException(401)

        def page():
            return 1

        guard = [fastapi.Depends(auth)]
        app, whole = fastapi.FastAPI(), fastapi.FastAPI(dependencies=guard)
        router = fastapi.APIRouter(dependencies=guard)
        app.get("/secure", dependencies=guard)(page)
        for value in (app, whole, router):
            module = types.ModuleType("a_plugin")
            module.app = value
            with self.assertRaisesRegex(ValueError, "dependencies=.*not called here"):
                functions(module)
        module.app = fastapi.FastAPI()
        self.assertEqual(functions(module), {})

    def test_a_function_without_dependencies_stays_as_it_is(self):
        def yields(n: int = 2):
            yield from range(n)

        for call in (yields, len, dict):
            self.assertIs(Function("f", call, {}).call, call)

        events = []

        def opened(n=3):
            yield n
            events.append("close")

        def top(n=Depends(opened)):
            yield n
            events.append("end")

        self.assertEqual(list(asked(top)), [3], "what it yields itself is its result")
        self.assertEqual(events, ["end", "close"])


if __name__ == "__main__":
    unittest.main()
