"""Conditions on pictures, as lists, counts, searches and changes of many pictures take them."""

import datetime
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

#: One text or several.
Texts = Union[str, Sequence[str]]
#: `2019`, `2019-07`, a time as in RFC 3339, a date or a datetime; without a zone they count as UTC.
Moment = Union[str, datetime.date, datetime.datetime]
#: Left, top, width and height in pixels, or a text as `pct:25,25,50,50`.
Region = Union[str, Tuple[float, float, float, float]]


def texts(value: Texts) -> List[str]:
    return [value] if isinstance(value, str) else list(value)


def text_of(value: Any) -> str:
    """A parameter's text: numbers, true and false as JSON writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return json.dumps(value)


def region_text(region: Region) -> str:
    return region if isinstance(region, str) else ",".join(text_of(number) for number in region)


@dataclass(frozen=True)
class Filter:
    """A picture must meet all conditions that are given."""

    #: With all of these tags.
    tag: Texts = ()
    #: With one of them.
    any_tag: Texts = ()
    #: Without them.
    not_tag: Texts = ()
    #: With a tag that begins so; of several, with one for each.
    tag_prefix: Texts = ()
    object: Optional[str] = None
    #: With these entries on the first level of the metadata.
    meta: Mapping[str, Union[str, int, float, bool]] = field(default_factory=dict)
    name_prefix: Optional[str] = None
    #: With a file in one of these folders of the server or below it; for keys with the scope `admin`.
    folder: Texts = ()
    #: Of one of these media types, as `image/jpeg`.
    media_type: Texts = ()
    #: Found to be the same thing as another one, or in several files.
    paired: Optional[bool] = None
    min_bytes: Optional[int] = None
    max_bytes: Optional[int] = None
    min_width: Optional[int] = None
    max_width: Optional[int] = None
    min_height: Optional[int] = None
    max_height: Optional[int] = None
    added_after: Optional[Moment] = None
    added_before: Optional[Moment] = None
    taken_after: Optional[Moment] = None
    taken_before: Optional[Moment] = None
    #: With fewer than 50 features.
    weak: Optional[bool] = None

    def params(self) -> List[Tuple[str, str]]:
        """As parameters of an address."""
        found: List[Tuple[str, str]] = []
        for name, value in vars(self).items():
            if name == "meta":
                found += [(f"meta.{key}", text_of(one)) for key, one in value.items()]
            elif name in ("tag", "any_tag", "not_tag", "tag_prefix", "folder", "media_type"):
                found += [(name, one) for one in texts(value)]
            elif value is not None:
                found.append((name, text_of(value)))
        return found

    def conditions(self) -> Dict[str, Any]:
        """As an object of JSON."""
        found: Dict[str, Any] = {}
        for name, value in vars(self).items():
            if name == "meta":
                value = dict(value)
            elif name in ("tag", "any_tag", "not_tag", "tag_prefix", "folder", "media_type"):
                value = texts(value)
            elif isinstance(value, (datetime.date, datetime.datetime)):
                value = value.isoformat()
            if value not in (None, [], {}):
                found[name] = value
        return found


def params(filter: Optional[Filter] = None, **others: Any) -> List[Tuple[str, str]]:
    """Parameters of an address, without those that are None; lists are given several times."""
    found = filter.params() if filter else []
    for name, value in others.items():
        if isinstance(value, (list, tuple)):
            found += [(name, text_of(one)) for one in value]
        elif value is not None:
            found.append((name, text_of(value)))
    return found
