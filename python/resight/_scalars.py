"""Single values of a request as Python's own types."""

from __future__ import annotations

import re
from typing import Any, Callable

from ._sent import Convert, Sent, Unfit



def plain_text(sent: Sent) -> str:
    """The text; also of a field of a form that has a content type, but no file's name."""
    if sent.kind in ("text", "json") and isinstance(sent.value, str):
        return sent.value
    if sent.kind == "file" and sent.file_name is None:
        try:
            return bytes(sent.value).decode()
        except UnicodeDecodeError:
            raise Unfit("it is no UTF-8") from None
    raise Unfit


def parsed(parse: Callable[[str], Any], *from_json: type, strip: bool = True) -> Convert:
    """A value that is parsed from text; from JSON also where it is of one of these types."""

    def convert(sent: Sent) -> Any:
        is_number = isinstance(sent.value, from_json) and not isinstance(sent.value, bool)
        text = repr(sent.value) if sent.kind == "json" and is_number else plain_text(sent)
        try:
            return parse(text.strip() if strip else text)
        except (ValueError, ArithmeticError, TypeError) as error:
            raise Unfit("" if isinstance(error, ArithmeticError) else str(error)[:200]) from None

    return convert


_TRUE = {"true", "1", "on", "yes", "t", "y"}
_FALSE = {"false", "0", "off", "no", "f", "n"}


def boolean(sent: Sent) -> bool:
    if sent.kind == "json" and (sent.value is True or sent.value is False):
        return bool(sent.value)
    given = sent.value if sent.kind == "json" else plain_text(sent)
    text = str(given).strip().lower() if isinstance(given, (str, int)) else ""
    if text not in _TRUE | _FALSE:
        raise Unfit("true and false, 1 and 0, on and off, yes and no are known")
    return text in _TRUE


def integer(text: str) -> int:
    if re.fullmatch(r"[+-]?[0-9]+(\.0+)?", text) is None:
        raise ValueError
    return int(text.split(".")[0])


def real(text: str) -> float:
    if re.fullmatch(r"[+-]?([0-9.]+([eE][+-]?[0-9]+)?|inf(inity)?|nan)", text, re.I) is None:
        raise ValueError
    return float(text)


def binary(sent: Sent) -> bytes:
    if sent.kind in ("text", "json"):
        if not isinstance(sent.value, str):
            raise Unfit
        return sent.value.encode()
    if sent.kind == "many":
        raise Unfit
    return bytes(sent.value)
