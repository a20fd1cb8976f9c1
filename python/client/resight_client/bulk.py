"""Adding many pictures: how files are grouped into requests, and what became of each."""

import importlib
import json
import os
import pathlib
import sys
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Sized, Tuple, Union

from resight_client._decoding import decode
from resight_client._request import Part, Request
from resight_client.errors import Busy, ConnectionFailed, ResightError, ServerFailed, UnexpectedAnswer
from resight_client.models import FileOutcome, Summary

# Refusals that say nothing about the file: it is sent again.
_LATER = {"busy", "store_busy", "store_unreachable", "rate_limited", "upload_too_slow"}
# Refusals that every further file would meet.
_ENDING = {
    "store_full",
    "data_folder_gone",
    "store_cut_short",
    "store_io",
    "store_damaged",
    "store_denied",
    "store_absent",
}


@dataclass(frozen=True)
class Item:
    """A file to add with labels of its own, beside those that all get."""

    source: Union[str, "os.PathLike[str]", bytes]
    name: Optional[str] = None
    tags: Sequence[str] = ()
    object: Optional[str] = None
    metadata: Optional[Dict[str, Any]] = None

    @property
    def shown(self) -> str:
        """The name that the picture gets."""
        return Part.of(self.source, self.name).name

    def line(self, file: str) -> str:
        """Its line of the field `labels`."""
        labels: Dict[str, Any] = {"file": file, "name": self.shown, "tags": list(self.tags)}
        if self.object is not None:
            labels["object"] = self.object
        if self.metadata is not None:
            labels["metadata"] = self.metadata
        return json.dumps(labels)

    def facts(self) -> Tuple[int, bool]:
        """Its length in bytes, and whether it is an archive; OSError where it cannot be read."""
        if isinstance(self.source, bytes):
            return len(self.source), is_archive(self.source[:512])
        with pathlib.Path(self.source).open("rb") as file:
            return os.fstat(file.fileno()).st_size, is_archive(file.read(512))


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP, tar or tar.gz archive, as the server tells them."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")) or head[257:262] == b"ustar"


@dataclass(frozen=True)
class Outcome:
    """What became of one file. Of an archive each entry has one."""

    #: What was given: a path or bytes.
    source: Union[str, "os.PathLike[str]", bytes]
    #: The name of the file, or of the archive's entry.
    file: str
    #: `added`, `already_present`, `refused` or `skipped`.
    outcome: str
    #: The picture's id, where it is stored.
    id: Optional[str] = None
    #: Why it is not stored, as docs/errors.md lists it.
    code: Optional[str] = None
    reason: Optional[str] = None
    next_step: Optional[str] = None


@dataclass
class Report:
    """What became of all files so far. Those that are stored are counted, the others listed."""

    added: int = 0
    already_present: int = 0
    refused: List[Outcome] = field(default_factory=list)
    #: Entries of archives that are no files, as links.
    skipped: List[Outcome] = field(default_factory=list)
    #: How many files were given, where that is known.
    total: Optional[int] = None

    @property
    def done(self) -> int:
        """Files with an outcome; entries of an archive count each."""
        return self.added + self.already_present + len(self.refused) + len(self.skipped)

    def count(self, outcome: Outcome) -> None:
        if outcome.outcome == "added":
            self.added += 1
        elif outcome.outcome == "already_present":
            self.already_present += 1
        elif outcome.outcome == "skipped":
            self.skipped.append(outcome)
        else:
            self.refused.append(outcome)


class BulkStopped(ResightError):
    """An addition of many ended before its end; the cause says why. The same call again goes on: what is stored
    already is told as `already_present`."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return f"stopped after {self.report.done} files: {self.__cause__}"


Told = Callable[[Report, Outcome], None]


class Batch:
    """The files of one request. Its answer has a line for each, in their order."""

    def __init__(self, items: Sequence[Item], has_archive: bool = False) -> None:
        self.items = items
        self.has_archive = has_archive
        self._key = uuid.uuid4().hex
        self._files = [f"{number:05}-{item.shown}" for number, item in enumerate(items)]
        # How many lines were counted, and how many came in this attempt.
        self._told = 0
        self._come = 0
        self._summary: Optional[Summary] = None
        self._later: List[Tuple[Item, FileOutcome]] = []

    def request(self, path: str, fields: Dict[str, List[str]]) -> Request:
        """The request, the same for each attempt: the server answers it once."""
        self._come = 0
        self._summary = None
        lines = "\n".join(item.line(file) for item, file in zip(self.items, self._files))
        return Request(
            "POST",
            path,
            fields={**fields, "labels": [lines]},
            parts=[Part(file, item.source) for item, file in zip(self.items, self._files)],
            headers={"accept": "application/x-ndjson", "idempotency-key": self._key},
        )

    def line(self, text: str) -> Optional[Outcome]:
        """Reads a line of the answer; None for what needs no counting."""
        if not text.strip():
            return None
        try:
            value = json.loads(text)
        except ValueError as error:
            raise UnexpectedAnswer(f"A line of the answer is no JSON: {text[:200]}") from error
        if isinstance(value, dict) and "summary" in value:
            self._summary = decode(Summary, value["summary"])
            return None
        outcome = decode(FileOutcome, value)
        self._come += 1
        if self._come <= self._told:
            return None
        self._told = self._come
        item = self.items[0 if self.has_archive else min(self._told, len(self.items)) - 1]
        if outcome.code in _ENDING:
            raise ServerFailed(507, outcome.code or "", outcome.reason or "", outcome.next_step or "")
        if outcome.code in _LATER and not self.has_archive:
            self._later.append((item, outcome))
            return None
        file = outcome.file if self.has_archive else item.shown
        return Outcome(item.source, file, outcome.outcome, outcome.id, outcome.code, outcome.reason, outcome.next_step)

    def end(self) -> None:
        """The answer has ended: without its last line the connection broke."""
        if self._summary is None:
            raise ConnectionFailed("The answer ended before its last line.")

    def rest(self) -> Tuple[List[Outcome], Optional["Batch"], Optional[Busy]]:
        """What is still to be sent: its outcomes if that is given up, the batch to send, and why it was not taken."""
        problem = self._summary.problem if self._summary else None
        open_: List[Tuple[Item, Any]] = list(self._later)
        if problem and not self.has_archive:
            open_ += [(item, problem) for item in self.items[self._told :]]
        if not open_:
            return [], None, None
        given_up = [
            Outcome(item.source, item.shown, "refused", None, why.code, why.reason, why.next_step)
            for item, why in open_
        ]
        why = open_[0][1]
        failure = Busy(503, why.code or "busy", why.reason or "", why.next_step or "")
        return given_up, Batch([item for item, _ in open_]), failure


def batches(
    items: Iterable[Union[Item, str, "os.PathLike[str]", bytes]], most_files: int, most_bytes: int
) -> Iterator[Union[Batch, Outcome]]:
    """Groups files as they come; an archive is a request of its own. A file that cannot be read is an outcome."""
    waiting: List[Item] = []
    length = 0
    for given in items:
        item = given if isinstance(given, Item) else Item(given)
        try:
            size, archive = item.facts()
        except OSError as error:
            step = "Check that the file is there and may be read."
            yield Outcome(item.source, item.shown, "refused", None, "unreadable", str(error), step)
            continue
        if waiting and (archive or len(waiting) >= most_files or length + size > most_bytes):
            yield Batch(waiting)
            waiting, length = [], 0
        if archive:
            yield Batch([item], has_archive=True)
            continue
        waiting.append(item)
        length += size
    if waiting:
        yield Batch(waiting)


def total_of(items: Iterable[Any]) -> Optional[int]:
    return len(items) if isinstance(items, Sized) else None


class Bar:
    """Tells progress: by a function of the caller's, or by tqdm where that is installed."""

    def __init__(self, progress: Union[bool, Told, None], total: Optional[int]) -> None:
        self._told = progress if callable(progress) else None
        self._bar: Any = None
        if progress is True:
            try:
                tqdm: Any = importlib.import_module("tqdm").tqdm
            except ImportError:
                print("resight-client: install tqdm to see a progress bar", file=sys.stderr)
            else:
                self._bar = tqdm(total=total, unit="file")

    def tell(self, report: Report, outcome: Outcome) -> None:
        if self._told:
            self._told(report, outcome)
        if self._bar is not None:
            self._bar.update(1)
            self._bar.set_postfix(refused=len(report.refused), refresh=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
