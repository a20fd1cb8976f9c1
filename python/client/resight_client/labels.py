"""Labels of pictures: those that new ones get, and changes."""

import enum
import json
from typing import Any, Dict, List, Mapping, Optional, Union

from resight_client.filters import Texts, texts


class Keep(enum.Enum):
    """Stands for a label that stays as it is, because None clears it."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


KEEP = Keep.KEEP


def fields_of(tags: Texts, object: Optional[str], metadata: Optional[Mapping[str, Any]]) -> Dict[str, List[str]]:
    """Labels of new pictures, as fields of a form."""
    found = {"tag": texts(tags)} if tags else {}
    if object is not None:
        found["object"] = [object]
    if metadata is not None:
        found["metadata"] = [json.dumps(metadata)]
    return found


def changes(
    tags: Union[Texts, Keep, None],
    add_tags: Texts,
    remove_tags: Texts,
    object: Union[str, Keep, None],
    metadata: Union[Mapping[str, Any], Keep, None],
) -> Dict[str, Any]:
    """A change of labels, as JSON."""
    found: Dict[str, Any] = {}
    if not isinstance(tags, Keep):
        found["tags"] = None if tags is None else texts(tags)
    if add_tags:
        found["add_tags"] = texts(add_tags)
    if remove_tags:
        found["remove_tags"] = texts(remove_tags)
    if not isinstance(object, Keep):
        found["object"] = object
    if not isinstance(metadata, Keep):
        found["metadata"] = metadata
    return found
