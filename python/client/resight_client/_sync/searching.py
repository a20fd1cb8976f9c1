"""Written by generate.py from `_async`; do not edit.

Searching and comparing pictures of a collection, and groups of duplicates."""

from typing import Iterator, List, Optional, Sequence, Tuple, Union

from resight_client._sync.pictures import Pictures
from resight_client._request import Part, Request, Source
from resight_client.filters import Filter, Region, params, region_text
from resight_client.models import (
    Comparison,
    Decision,
    DuplicateGroup,
    DuplicateList,
    ModelList,
    ModelState,
    NotAMatch,
    NotAMatchList,
    Resolution,
    ResolutionList,
    Resolved,
    SearchAnswer,
    Undone,
)

FEATURES = "application/vnd.resight.features"


class Searching(Pictures):
    """What is found among the pictures of one collection."""

    def search(
        self,
        picture: Union[Source, Sequence[Source], None] = None,
        *,
        image_id: Union[str, Sequence[str], None] = None,
        url: Optional[str] = None,
        features: Optional[bytes] = None,
        filter: Optional[Filter] = None,
        region: Optional[Region] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        matches: Optional[bool] = None,
        verified_only: Optional[bool] = None,
        expand: Optional[bool] = None,
        mirrored: Optional[bool] = None,
        inverted: Optional[bool] = None,
        mode: Optional[str] = None,
        group_by: Optional[str] = None,
    ) -> SearchAnswer:
        """Searches by a picture (a path, bytes, an open file), by several of one thing, by stored ones (`image_id`),
        by one that the server fetches (`url`), or by features that `features` gave. Pictures and ids go together.
        """
        given = params(
            filter, limit=limit, offset=offset, matches=matches, verified_only=verified_only, expand=expand,
            mirrored=mirrored, inverted=inverted, mode=mode, group_by=group_by,
            region=None if region is None else region_text(region),
        )  # fmt: skip
        path = f"{self._base}/search"
        ids: List[str] = [image_id] if isinstance(image_id, str) else list(image_id or ())
        pictures: List[Source] = list(picture) if isinstance(picture, (list, tuple)) else []
        if picture is not None and not isinstance(picture, (list, tuple)):
            pictures = [picture]  # type: ignore[list-item]
        parts = [Part.of(one) for one in pictures]
        if features is not None:
            parts.append(Part("features", features, media_type=FEATURES))
        if parts:
            fields = {"image_id": ids} if ids else {}
            request = Request("POST", path, given, fields=fields, parts=parts)
        elif ids:
            request = Request("POST", path, given, json={"image_id": ids[0]} if len(ids) == 1 else {"image_ids": ids})
        elif url is not None:
            request = Request("POST", path, given, json={"url": url})
        else:
            raise TypeError("search needs a picture, an image_id, a url or features")
        return self._connection.ask(SearchAnswer, request)

    def features(self, picture: Source) -> bytes:
        """A picture's features, to search with in its place."""
        request = Request("POST", f"{self._base}/features", parts=[Part.of(picture)])
        return (self._connection.send(request)).content

    def compare(
        self,
        a: Optional[Source] = None,
        b: Optional[Source] = None,
        *,
        a_id: Optional[str] = None,
        b_id: Optional[str] = None,
    ) -> Comparison:
        """What two pictures share, each of which is sent, or stored (`a_id`, `b_id`)."""
        if (a is None) == (a_id is None) or (b is None) == (b_id is None):
            raise TypeError("compare needs a or a_id, and b or b_id")
        parts = [Part.of(one, field=name) for name, one in (("a", a), ("b", b)) if one is not None]
        ids = {name: one for name, one in (("a", a_id), ("b", b_id)) if one is not None}
        fields = {name: [one] for name, one in ids.items()}
        # Without a file it is sent as JSON.
        request = Request("POST", f"{self._base}/compare", json=ids, fields=fields, parts=parts)
        return self._connection.ask(Comparison, request)

    def duplicates_page(
        self,
        *,
        kind: Optional[str] = None,
        min_size: Optional[int] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> DuplicateList:
        """One page of the groups, with how many pictures have not been looked for yet."""
        given = params(kind=kind, min_size=min_size, limit=limit, offset=offset)
        return self._connection.ask(DuplicateList, Request("GET", f"{self._base}/duplicates", given))

    def duplicates(
        self, *, kind: Optional[str] = None, min_size: Optional[int] = None, page_size: int = 100
    ) -> Iterator[DuplicateGroup]:
        """Groups of copies and views, the closest kinds first."""
        path, given = f"{self._base}/duplicates", params(kind=kind, min_size=min_size, limit=page_size)
        return self._connection.counted(DuplicateList, path, given, lambda page: page.groups)

    def not_a_match(self, a: str, b: str) -> Decision:
        """Says that two stored pictures are no match."""
        request = Request("POST", f"{self._base}/not-a-match", json={"a": a, "b": b})
        return self._connection.ask(Decision, request)

    def drop_not_a_match(self, a: str, b: str) -> Decision:
        """Takes that back."""
        request = Request("DELETE", f"{self._base}/not-a-match", json={"a": a, "b": b})
        return self._connection.ask(Decision, request)

    def not_matches(self, *, page_size: int = 100) -> Iterator[NotAMatch]:
        """All pairs of which that was said."""
        path, given = f"{self._base}/not-a-match", params(limit=page_size)
        return self._connection.paged(NotAMatchList, path, given, "cursor", lambda page: page.pairs)

    def resolve(
        self,
        groups: Sequence[Tuple[str, Sequence[str]]],
        *,
        carry_over: bool = False,
        quarantine: bool = False,
        dry_run: bool = False,
    ) -> Resolved:
        """Removes pictures in favour of others: each group is the id to keep and those to remove.

        `carry_over` gives labels of the removed pictures to the kept one. `quarantine` moves their files too, out of
        registered folders, where the server allows it and the key has the scope `admin`; `undo` puts them back. With
        `dry_run` nothing is done, and the answer tells what would be.
        """
        body = {
            "groups": [{"keep": keep, "remove": list(remove)} for keep, remove in groups],
            "carry_over": carry_over,
            "files": "quarantine" if quarantine else "keep",
            "dry_run": dry_run,
        }
        request = Request("POST", f"{self._base}/duplicates/resolve", json=body, harmless=dry_run)
        return self._connection.ask(Resolved, request)

    def resolutions(self) -> List[Resolution]:
        """What files were moved by `resolve`, the newest hundred first."""
        request = Request("GET", f"{self._base}/duplicates/resolutions")
        return (self._connection.ask(ResolutionList, request)).resolutions

    def undo(self, resolution: str) -> Undone:
        """Puts the files of a resolution back, and stores their pictures again; may be asked for again."""
        request = Request("POST", f"{self._base}/duplicates/undo", json={"resolution": resolution})
        return self._connection.ask(Undone, request)

    def models(self) -> List[ModelState]:
        """Global models in use."""
        return (self._connection.ask(ModelList, Request("GET", f"{self._base}/models"))).models
