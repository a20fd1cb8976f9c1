"""What the server answers. Written by generate.py from its OpenAPI document; do not edit."""

from dataclasses import dataclass
from typing import List, Optional

from resight_client.models.pictures import Picture, StoredPath


@dataclass(frozen=True)
class Member:
    """A picture of a group."""

    #: Files that have exactly these bytes, each once, however many paths lead to it: 1 for an upload without a path, 0
    #: where all are gone.
    files: int
    image: Picture
    #: Whether it is the first of those that are there: a suggestion which one to keep.
    largest: bool
    #: Whether nothing is at any of its paths any more, and it was not uploaded.
    missing: bool
    #: All its paths: files that are there first, then further paths to them.
    paths: List[StoredPath]


@dataclass(frozen=True)
class Pair:
    """Two pictures of a group, with the evidence."""

    #: Id of the older.
    a: str
    #: Id of the newer.
    b: str
    #: Share of `a` that they span, 0 to 1.
    coverage_a: float
    #: Share of `b` that they span, 0 to 1.
    coverage_b: float
    #: Number of matched points that fit the transform.
    inliers: int
    #: Whether one is the other's negative.
    inverted: bool
    #: As in the group.
    kind: str
    #: Id of the master in a pair of kind `derivative`: the raw file, the deeper one or the TIFF; else null, and where a
    #: picture was stored by a version that did not count bits a sample.
    master: Optional[str]
    #: Whether one is mirrored against the other.
    mirrored: bool
    #: log10 of how many such fits chance would give; the lower, the surer.
    nfa_log10: float
    #: Boxes of `b` that differ from `a` in an edited pair, the largest first, at most eight: left, top, right and
    #: bottom in pixels. Empty where the change is everywhere.
    regions: List[List[float]]
    #: Share of what both show whose pixels agree as well, 0 to 1; null where they could not be compared.
    same_share: Optional[float]
    #: The 3x3 matrix from the pixels of `a` to those of `b`, row by row.
    transform: List[float]


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures that were verified with each other: copies with more than half of the other members each, those that
    only show the same scene with three quarters."""

    #: Whether a member is another's negative.
    inverted: bool
    #: The loosest kind among its pairs: `identical`, `re-encoded`, `derivative`, `edited`, `cropped` or `same_scene`.
    kind: str
    #: Those whose files are gone last; of the others those with most pages first, then raw files, then by pixels, by
    #: what the format keeps, by bytes, and the oldest first.
    members: List[Member]
    #: Whether a member is mirrored against another.
    mirrored: bool
    #: Number of verified pairs among the members.
    pair_count: int
    #: The pairs, the surest first; of a large group the first hundred.
    pairs: List[Pair]


@dataclass(frozen=True)
class DuplicateList:
    """Groups of pictures that are the same or show the same: the closest kinds first, of one kind the largest."""

    #: Whether every picture has been looked for.
    complete: bool
    groups: List[DuplicateGroup]
    #: At most so many were asked for.
    limit: int
    #: How many were skipped.
    offset: int
    #: Pictures that have not been looked for yet; a running server does that by itself.
    pending: int
    #: Number of groups that fit what was asked for.
    total: int


@dataclass(frozen=True)
class Decision:
    """What is said of two pictures now."""

    #: The lower id.
    a: str
    #: The higher id.
    b: str
    #: Whether that is new.
    changed: bool
    #: Whether they are held apart now.
    not_a_match: bool


@dataclass(frozen=True)
class NotAMatch:
    """A pair that is no match."""

    #: The lower id.
    a: str
    #: The higher id.
    b: str
    #: When it was said (RFC 3339, UTC).
    decided: str
    image_a: Optional[Picture]
    image_b: Optional[Picture]


@dataclass(frozen=True)
class NotAMatchList:
    """Pairs that are no match, the newest first."""

    #: At most so many were asked for.
    limit: int
    #: Give this as `cursor` for the next page; null when this was the last.
    next: Optional[str]
    #: How many were skipped.
    offset: int
    pairs: List[NotAMatch]
    #: Number in all.
    total: int


@dataclass(frozen=True)
class ResolvedFile:
    """What came of a file."""

    #: Its bytes.
    bytes: int
    #: Where it lies or lay: for admins the whole path, for others its last name. Null for an upload, whose bytes the
    #: data folder has.
    path: Optional[str]
    #: `moved`, `stays`, `changed` (it has other bytes than the picture), `missing`, or `not_registered`: it lies in no
    #: registered folder.
    state: str
    #: Where it was moved; null where it was not, and for others than admins.
    to: Optional[str]


@dataclass(frozen=True)
class ResolvedPicture:
    """What came of a picture."""

    #: Why not: one of the list of errors; null where it was.
    code: Optional[str]
    #: The same as a sentence.
    detail: Optional[str]
    #: Its files.
    files: List[ResolvedFile]
    #: Its id.
    id: str
    #: Its name; empty where it is not stored.
    name: str
    #: Whether it was removed, or would be.
    removed: bool
    #: Whether a file of it stays in a folder, or may be in a registered folder that is away: it comes back with that
    #: file when the folder is looked through.
    returns: bool


@dataclass(frozen=True)
class ResolvedGroup:
    """A picture that is kept, and what came of the others."""

    #: Whether its labels change.
    carried_over: bool
    #: Id of the kept picture.
    keep: str
    #: The others.
    remove: List[ResolvedPicture]


@dataclass(frozen=True)
class Resolved:
    """What came of resolving duplicates, or would."""

    #: Their bytes.
    bytes: int
    #: Whether nothing was done.
    dry_run: bool
    #: In the order of the request.
    groups: List[ResolvedGroup]
    #: Files that were moved, or would be.
    moved: int
    #: Pictures that were not, or would not be.
    refused: int
    #: Pictures that were removed, or would be.
    removed: int
    #: By which it can be undone; null where files were kept, and where no picture was removed.
    resolution: Optional[str]


@dataclass(frozen=True)
class Resolution:
    """Files that were moved by one request."""

    #: Their bytes.
    bytes: int
    #: Files that were moved.
    files: int
    #: By which it can be undone.
    id: str
    #: When (RFC 3339, UTC).
    made: str
    #: Pictures that were removed.
    pictures: int
    #: Whether all of them were put back, and their pictures stored again.
    undone: bool


@dataclass(frozen=True)
class ResolutionList:
    """What files were moved for duplicates."""

    #: Whether this server moves files.
    quarantine: bool
    #: The newest first, at most a hundred.
    resolutions: List[Resolution]


@dataclass(frozen=True)
class NotRestored:
    """A file that was not put back."""

    #: Why not.
    detail: str
    #: Where it lay: for admins the whole path, for others its last name. Of an upload its id.
    path: str


@dataclass(frozen=True)
class Undone:
    """What came of putting files back."""

    #: Pictures that are stored again, with their labels, since this request.
    pictures: int
    #: Files that were not, and pictures that did not get their labels again.
    refused: List[NotRestored]
    #: The resolution's id.
    resolution: str
    #: Files that were put back now.
    restored: int
