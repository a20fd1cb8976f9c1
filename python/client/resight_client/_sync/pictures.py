"""Written by generate.py from `_async`; do not edit.

The pictures of a collection: adding, listing, labels, removal."""

import time
import os
import uuid
from typing import Any, Iterator, Dict, Iterable, List, Mapping, Optional, Sequence, Union

from resight_client._sync.connection import Connection
from resight_client._request import Part, Request, Source, segment
from resight_client.bulk import Bar, Batch, BulkStopped, Item, Outcome, Report, Told, batches, total_of
from resight_client.errors import ResightError
from resight_client.filters import Filter, Texts, params, texts
from resight_client.labels import KEEP, Keep, changes, fields_of
from resight_client.models import (
    AddedPicture,
    Count,
    ExifFact,
    ExifList,
    ManyChanged,
    ManyRemoved,
    MediaTypeList,
    ObjectFacts,
    ObjectList,
    ObjectPictures,
    Picture,
    PictureAndPaths,
    PictureList,
    RefusedFile,
    RefusedList,
    Removed,
)


class Pictures:
    """What is done with pictures of one collection."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._base = base

    def add(
        self,
        picture: Optional[Source] = None,
        *,
        url: Optional[str] = None,
        name: Optional[str] = None,
        tags: Texts = (),
        object: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        idempotency_key: Optional[str] = None,
    ) -> AddedPicture:
        """Adds a picture: a path, bytes, an open file, or with `url` one that the server fetches.

        The request has an `Idempotency-Key`, so that it can be sent again; give your own to send it again later.
        """
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        path = f"{self._base}/images"
        if url is not None:
            body = {"url": url, "name": name, "tags": texts(tags), "object": object, "metadata": metadata}
            body = {key: value for key, value in body.items() if value is not None}
            return self._connection.ask(AddedPicture, Request("POST", path, json=body, headers=headers))
        if picture is None:
            raise TypeError("add needs a picture or a url")
        part = Part.of(picture, name)
        if Item(part.source).facts()[1]:
            raise ValueError("this is an archive: add_many adds its pictures")
        request = Request("POST", path, fields=fields_of(tags, object, metadata), parts=[part], headers=headers)
        return self._connection.ask(AddedPicture, request)

    def add_many(
        self,
        pictures: Iterable[Union[Item, str, "os.PathLike[str]", bytes]],
        *,
        tags: Texts = (),
        object: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        progress: Union[bool, Told, None] = None,
        batch_files: int = 32,
        batch_bytes: int = 64 * 2**20,
    ) -> Report:
        """Adds many pictures and archives of pictures, several in a request.

        Files are read as they are sent, and `pictures` may be a generator, so that memory stays bounded. A file that
        is refused stops no other; the report lists it. `progress=True` shows a bar (by tqdm); a function is called
        with the report so far and each outcome. Raises BulkStopped, with the report, where no more can be sent.
        """
        report = Report(total=total_of(pictures))
        bar = Bar(progress, report.total)
        fields = fields_of(tags, object, metadata)
        try:
            for batch in batches(pictures, min(batch_files, 500), batch_bytes):
                if isinstance(batch, Outcome):
                    _count(report, bar, batch)
                else:
                    self._add_batch(batch, fields, report, bar)
        except (ResightError, OSError) as error:
            raise BulkStopped(report) from error
        finally:
            bar.close()
        return report

    def _add_batch(self, batch: Batch, fields: Dict[str, List[str]], report: Report, bar: Bar) -> None:
        rest: Optional[Batch] = batch
        attempt = 1
        while rest is not None:
            now = rest

            def once(now: Batch = now) -> None:
                with self._connection.opened(now.request(f"{self._base}/images", fields)) as response:
                    for line in response.iter_lines():
                        outcome = now.line(line)
                        if outcome:
                            _count(report, bar, outcome)
                now.end()

            self._connection.retried(once, harmless=True)
            given_up, rest, failure = now.rest()
            if rest is None or failure is None:
                return
            wait = self._connection.retries.wait(attempt, failure, harmless=True)
            if wait is None:
                for outcome in given_up:
                    _count(report, bar, outcome)
                return
            time.sleep(wait)
            attempt += 1

    def get(self, id: str) -> PictureAndPaths:
        """One picture, with its paths for keys that may see them."""
        return self._connection.ask(PictureAndPaths, Request("GET", f"{self._base}/images/{segment(id)}"))

    def file(self, id: str) -> bytes:
        """A picture's file."""
        return (self._connection.send(Request("GET", f"{self._base}/images/{segment(id)}/file"))).content

    def download(self, id: str, path: Union[str, "os.PathLike[str]"]) -> int:
        """Writes a picture's file to `path`; its length in bytes."""
        return self._connection.save(Request("GET", f"{self._base}/images/{segment(id)}/file"), path)

    def download_many(
        self,
        path: Union[str, "os.PathLike[str]"],
        *,
        ids: Optional[Sequence[str]] = None,
        filter: Optional[Filter] = None,
        all: bool = False,
        name: Optional[str] = None,
    ) -> int:
        """Writes one ZIP file with the files of the pictures with these ids, of those that meet the conditions, or of
        all; its length in bytes.
        """
        given = [ids is not None, filter is not None, all]
        if given.count(True) != 1:
            raise TypeError("download_many takes one of ids, filter and all")
        body: Dict[str, Any] = {"all": True} if all else {}
        if ids is not None:
            body["ids"] = list(ids)
        if filter is not None:
            body["filter"] = filter.conditions()
        if name is not None:
            body["name"] = name
        return self._connection.save(Request("POST", f"{self._base}/images/download", json=body), path)

    def thumbnail(self, id: str) -> bytes:
        """A small JPEG of a picture."""
        return (self._connection.send(Request("GET", f"{self._base}/images/{segment(id)}/thumbnail"))).content

    def exif(self, id: str) -> List[ExifFact]:
        """What the camera recorded in a picture's file, with names as in Exif and values with units."""
        request = Request("GET", f"{self._base}/images/{segment(id)}/exif")
        return (self._connection.ask(ExifList, request)).fields

    def media_types(self) -> Dict[str, int]:
        """The media types of the stored files, with the number of pictures of each."""
        found = self._connection.ask(MediaTypeList, Request("GET", f"{self._base}/media-types"))
        return {one.media_type: one.pictures for one in found.media_types}

    def page(
        self,
        filter: Optional[Filter] = None,
        *,
        sort: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> PictureList:
        """One page of the list; its `next` is the `cursor` of the page behind it."""
        given = params(filter, sort=sort, limit=limit, offset=offset, cursor=cursor)
        return self._connection.ask(PictureList, Request("GET", f"{self._base}/images", given))

    def images(
        self, filter: Optional[Filter] = None, *, sort: Optional[str] = None, page_size: int = 100
    ) -> Iterator[Picture]:
        """All pictures that meet the conditions, newest first, fetched page by page as they are asked for."""
        given = params(filter, sort=sort, limit=page_size)
        return self._connection.paged(PictureList, f"{self._base}/images", given, "cursor", lambda page: page.images)

    def count(self, filter: Optional[Filter] = None) -> int:
        """How many pictures meet the conditions."""
        return (self._connection.ask(Count, Request("GET", f"{self._base}/count", params(filter)))).count

    def label(
        self,
        id: str,
        *,
        tags: Union[Texts, Keep, None] = KEEP,
        add_tags: Texts = (),
        remove_tags: Texts = (),
        object: Union[str, Keep, None] = KEEP,
        metadata: Union[Mapping[str, Any], Keep, None] = KEEP,
    ) -> Picture:
        """Changes labels of a picture; None clears, and what is left out stays."""
        body = changes(tags, add_tags, remove_tags, object, metadata)
        return self._connection.ask(Picture, Request("PATCH", f"{self._base}/images/{segment(id)}", json=body))

    def label_many(
        self,
        filter: Filter,
        *,
        tags: Union[Texts, Keep, None] = KEEP,
        add_tags: Texts = (),
        remove_tags: Texts = (),
        object: Union[str, Keep, None] = KEEP,
        metadata: Union[Mapping[str, Any], Keep, None] = KEEP,
        dry_run: bool = False,
    ) -> ManyChanged:
        """Changes labels of all pictures that meet the conditions; `dry_run` counts them."""
        body = changes(tags, add_tags, remove_tags, object, metadata)
        request = Request("PATCH", f"{self._base}/images", params(filter, dry_run=dry_run), json=body)
        return self._connection.ask(ManyChanged, request)

    def delete(self, id: str) -> None:
        """Removes a picture."""
        self._connection.remove(Request("DELETE", f"{self._base}/images/{segment(id)}"))

    def delete_many(self, filter: Filter, *, dry_run: bool = False) -> ManyRemoved:
        """Removes all pictures that meet the conditions; `dry_run` counts them."""
        request = Request("DELETE", f"{self._base}/images", params(filter, dry_run=dry_run))
        return self._connection.ask(ManyRemoved, request)

    def objects(self, *, page_size: int = 100) -> Iterator[ObjectFacts]:
        """Things that several pictures show."""
        given = params(limit=page_size)
        return self._connection.paged(ObjectList, f"{self._base}/objects", given, "cursor", lambda page: page.objects)

    def object_images(self, object: str, *, sort: Optional[str] = None, page_size: int = 100) -> Iterator[Picture]:
        """All pictures of one object."""
        path, given = f"{self._base}/objects/{segment(object)}", params(sort=sort, limit=page_size)
        return self._connection.paged(ObjectPictures, path, given, "cursor", lambda page: page.images)

    def delete_object(self, object: str) -> int:
        """Removes all pictures of an object; how many there were."""
        request = Request("DELETE", f"{self._base}/objects/{segment(object)}")
        return (self._connection.ask(Removed, request)).removed

    def refused(self, codes: Texts = (), *, page_size: int = 100) -> Iterator[RefusedFile]:
        """Files of indexed folders that could not be read; for keys with the scope `admin`."""
        given = params(code=texts(codes), limit=page_size)
        return self._connection.paged(RefusedList, f"{self._base}/refused", given, "after", lambda page: page.refused)


def _count(report: Report, bar: Bar, outcome: Outcome) -> None:
    report.count(outcome)
    bar.tell(report, outcome)
