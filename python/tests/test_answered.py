"""Exceptions that are answers of HTTP, and requests that cannot be had: ``python -m unittest discover -s python/tests``."""

import json
import pathlib
import sys
import types
import typing
import unittest
from typing import List, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import resight  # noqa: E402
from resight import _wire  # noqa: E402
from resight._calls import Plugin  # noqa: E402
from resight._load import Function, functions  # noqa: E402
from test_depends import Depends  # noqa: E402


class HTTPException(Exception):
    """As FastAPI's, which need not be installed here."""

    def __init__(self, status_code, detail=None, headers=None):
        self.status_code, self.detail, self.headers = status_code, detail, headers


HTTPException.__module__ = "fastapi.exceptions"


class Request:
    """As Starlette's."""


Request.__module__ = "starlette.requests"


def kinds():
    """Ours, one as FastAPI's, and FastAPI's and Starlette's where they are installed."""
    found = [resight.HTTPException, HTTPException]
    try:
        import fastapi
        import starlette.exceptions

        found += [fastapi.HTTPException, starlette.exceptions.HTTPException]
    except ImportError:
        print("SKIPPED: FastAPI is not installed, so its own exceptions are not tried")
    return found


def requests():
    found = [Request, type("Mine", (Request,), {})]
    try:
        import fastapi

        found.append(fastapi.Request)
    except ImportError:
        pass
    return found


def answer(call):
    plugin = Plugin("f.py")
    plugin.functions = {"f": Function("f", call, {})}
    kind, reply, parts = plugin.answer({"f": "f", "i": [{}]}, None)
    return kind, reply, b"".join(parts)


def raising(error):
    def f():
        raise error

    return f


class Answers(unittest.TestCase):
    def test_an_exception_of_http_is_an_answer_with_its_status_and_detail(self):
        for kind in kinds():
            for detail in ("no such picture", {"loc": ["id"], "why": 3}, [1, None], ""):
                error = kind(status_code=404, detail=detail, headers={"Retry-After": 7})
                told, reply, body = answer(raising(error))
                self.assertEqual(told, _wire.ANSWERED, kind)
                self.assertEqual((reply["status"], reply["headers"]), (404, [["Retry-After", "7"]]))
                self.assertEqual(json.loads(body), detail)
                self.assertEqual(reply["p"], [len(body)])
            told, reply, body = answer(raising(type("Own", (kind,), {})(503, detail="later")))
            self.assertEqual((told, reply["status"], reply["headers"]), (_wire.ANSWERED, 503, []))

    def test_a_dependency_answers_for_the_function(self):
        for kind in kinds():

            async def user(token: str = ""):
                if not token:
                    raise kind(401, "a token is missing", {"WWW-Authenticate": "Basic"})
                return token

            def f(user=Depends(user)):
                return user

            told, reply, body = answer(f)
            self.assertEqual((told, reply["status"]), (_wire.ANSWERED, 401))
            self.assertEqual(reply["headers"], [["WWW-Authenticate", "Basic"]])

    def test_what_is_no_failure_of_http_is_raised_as_before(self):
        for kind in kinds():
            for status in (200, 302, 399, 600):
                error = HTTPException(status) if kind is resight.HTTPException else kind(status, "x")
                told, reply, _ = answer(raising(error))
                self.assertEqual((told, reply["type"]), (_wire.RAISED, "HTTPException"), status)
        self.assertEqual(answer(raising(HTTPException("404")))[0], _wire.RAISED)
        self.assertEqual(answer(raising(ValueError("x")))[0], _wire.RAISED)
        foreign = type("HTTPException", (Exception,), {"status_code": 404, "detail": "x"})
        self.assertEqual(answer(raising(foreign()))[0], _wire.RAISED)

    def test_a_detail_that_is_no_json_is_a_bad_result(self):
        told, reply, body = answer(raising(HTTPException(400, {"a": object()})))
        self.assertEqual((told, body), (_wire.BAD_RESULT, b""))
        self.assertIn("status 400 has a detail that is no JSON", reply["message"])

    def test_ours_is_made_as_theirs(self):
        error = resight.HTTPException(404)
        self.assertEqual((error.detail, str(error), error.headers), ("Not Found", "404: Not Found", None))


class Refusals(unittest.TestCase):
    def loaded(self, **values):
        module = types.ModuleType("mine")
        for name, value in values.items():
            value.__module__ = "mine"
            setattr(module, name, value)
        return functions(module)

    def test_a_function_that_asks_for_a_request_is_refused_as_the_file_loads(self):
        for kind in requests():
            for annotation in (kind, Optional[kind], typing.Annotated[kind, "a note"], List[kind]):

                def listed(q: str, request: annotation = None):
                    return q

                refused = r"listed asks for a Request of FastAPI \(the parameter request\).*take what it reads as"
                with self.assertRaisesRegex(TypeError, refused):
                    self.loaded(listed=listed)

    def test_dependencies_that_ask_for_it_are_refused_too(self):
        class Bearer:
            async def __call__(self, request: Request):
                return None

        def listed(token=Depends(Bearer())):
            return token

        with self.assertRaisesRegex(TypeError, "listed asks for a Request"):
            self.loaded(listed=listed)

    def test_annotations_that_are_text_count(self):
        def listed(request: "Request"):
            return None

        with self.assertRaisesRegex(TypeError, "listed asks for a Request"):
            self.loaded(listed=listed)

    def test_what_no_client_calls_may_ask_for_it(self):
        def _handler(request: Request, error: Exception):
            return None

        @resight.hidden
        def handler(request: Request):
            return None

        def listed(q: str):
            return q

        found = self.loaded(_handler=_handler, handler=handler, listed=listed)
        self.assertEqual(sorted(found), ["handler", "listed"])

    def test_the_other_things_that_fastapi_passes_are_refused_by_name(self):
        for name in ("Response", "BackgroundTasks", "WebSocket", "HTTPConnection", "SecurityScopes"):
            kind = type(name, (), {"__module__": "starlette." + name.lower()})

            def listed(q: str, given: kind):
                return q

            with self.assertRaisesRegex(TypeError, f"listed asks for a {name} of FastAPI"):
                self.loaded(listed=listed)
        mine = type("Response", (), {"__module__": "mine"})

        def answering(value: mine):
            return value

        self.assertEqual(sorted(self.loaded(answering=answering)), ["answering"])


if __name__ == "__main__":
    unittest.main()
