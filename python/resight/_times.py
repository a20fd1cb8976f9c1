"""Dates and times as ISO 8601 writes them, the same on every version of Python."""

from __future__ import annotations

import datetime
import re

_DAY = r"(\d{4})-(\d\d)-(\d\d)"
_CLOCK = r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
# A plus sign that a query does not escape is read as a space.
_ZONE = r"\s*([Zz]|[+\- ]\d\d(?::?\d\d)?)?"


def _zone(text: str | None) -> datetime.tzinfo | None:
    if not text:
        return None
    if text in "Zz":
        return datetime.timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    away = datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes)
    return datetime.timezone(away)


def _clock(groups: tuple[str, ...]) -> datetime.time:
    hour, minute, second, fraction, zone = groups
    micro = int((fraction or "").ljust(6, "0")[:6])
    return datetime.time(int(hour), int(minute), int(second or 0), micro, _zone(zone))


def _matched(pattern: str, text: str) -> tuple[str, ...]:
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise ValueError
    return found.groups()


def day(text: str) -> datetime.date:
    year, month, number = _matched(_DAY, text)
    return datetime.date(int(year), int(month), int(number))


def clock(text: str) -> datetime.time:
    return _clock(_matched(_CLOCK + _ZONE, text))


def moment(text: str) -> datetime.datetime:
    """A date with or without a time, or seconds since 1970."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return epoch + datetime.timedelta(seconds=float(text))
    if len(text) == 10:
        return datetime.datetime.combine(day(text), datetime.time())
    groups = _matched(_DAY + r"[Tt ]" + _CLOCK + _ZONE, text)
    return datetime.datetime.combine(day(text[:10]), _clock(groups[3:]))


def span(text: str) -> datetime.timedelta:
    """Seconds, or [days] hours:minutes:seconds."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        return datetime.timedelta(seconds=float(text))
    pattern = r"(?:(-?\d+)\s*(?:d|days?),?\s*)?(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?"
    days, hours, minutes, seconds = _matched(pattern, text)
    return datetime.timedelta(
        days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds or 0)
    )
