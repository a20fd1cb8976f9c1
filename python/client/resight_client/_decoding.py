"""JSON into models. Fields that a model does not know are left out, so that a later server can be asked."""

import dataclasses
import functools
import typing
from typing import Any, Dict, Type, TypeVar, Union

from resight_client.errors import UnexpectedAnswer

T = TypeVar("T")


@functools.lru_cache(maxsize=None)
def _hints(model: Any) -> Dict[str, Any]:
    return typing.get_type_hints(model)


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Union:
        return None if value is None else _value(inner[0], value, where)
    if origin is list and isinstance(value, list):
        return [_value(inner[0], one, where) for one in value]
    if origin is dict and isinstance(value, dict):
        return {str(key): _value(inner[1], one, where) for key, one in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return decode(kind, value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is Any or (kind is float and is_number) or (type(value) is kind):
        return value
    raise UnexpectedAnswer(f"{where} is {value!r}, which is not of the expected type")


def decode(model: Type[T], value: Any) -> T:
    """Makes a model of a JSON object."""
    if not isinstance(value, dict):
        raise UnexpectedAnswer(f"{model.__name__} is no JSON object: {value!r}")
    found = {}
    known: Any = model
    for field, kind in _hints(known).items():
        if field not in value and typing.get_origin(kind) is not Union:
            raise UnexpectedAnswer(f"{model.__name__} has no {field}")
        found[field] = _value(kind, value.get(field), f"{model.__name__}.{field}")
    return model(**found)


def encode(value: Any) -> Any:
    """A model as JSON, without what is None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: one for key, one in dataclasses.asdict(value).items() if one is not None}
    return value
