"""What the server answers. Written by generate.py from its OpenAPI document; do not edit."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class Picture:
    """A stored picture."""

    #: When it was added (RFC 3339, UTC).
    added: str
    #: Length of the file in bytes.
    bytes: int
    #: Bits a sample of the file, of a raw file those of the sensor; null as above.
    depth: Optional[int]
    #: Number of local features by which it can be found.
    features: int
    #: Address of its file.
    file: str
    #: Height in pixels, upright.
    height: int
    #: 32 lower-case hexadecimal characters, derived from the file's bytes.
    id: str
    #: Media type of the file, found from its content.
    media_type: str
    #: Its metadata; null where there is none.
    metadata: Optional[Dict[str, Any]]
    #: Name to show, usually the file's name.
    name: str
    #: The object it belongs to; null where it belongs to none.
    object: Optional[str]
    #: Pages or frames of the file, of which at most 32 are searched; null where the picture was stored by a version
    #: that did not count them.
    pages: Optional[int]
    #: Its tags, ascending.
    tags: List[str]
    #: When it was taken, as its Exif states it (RFC 3339, UTC); null where it does not, or was not asked yet. A time
    #: without its difference to UTC counts as UTC.
    taken: Optional[str]
    #: Address of a small JPEG of it.
    thumbnail: str
    #: Width in pixels, upright.
    width: int


@dataclass(frozen=True)
class AddedPicture(Picture):
    """The picture that was sent, now stored."""

    #: Whether exactly this file was stored before.
    already_present: bool


@dataclass(frozen=True)
class Reason:
    """Why something was not done."""

    #: Stable identifier, one of those in the list of errors.
    code: str
    #: What to do now.
    next_step: str
    #: What went wrong this time.
    reason: str


@dataclass(frozen=True)
class Summary:
    """How many files had which outcome."""

    #: Files that are stored now.
    added: int
    #: Files that were stored before.
    already_present: int
    #: Whether the request and its archives were read to their ends.
    complete: bool
    #: Files that cannot be taken.
    refused: int
    #: Entries of archives that are no files, as links.
    skipped: int
    problem: Optional[Reason] = None


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file."""

    #: Its name in the form or in the archive.
    file: str
    #: `added`, `already_present`, `refused` or `skipped`.
    outcome: str
    #: Why it is not, as in the list of errors.
    code: Optional[str] = None
    #: The picture's id, where it is stored.
    id: Optional[str] = None
    #: The picture's name, where it is stored.
    name: Optional[str] = None
    #: What to do now.
    next_step: Optional[str] = None
    #: What went wrong this time.
    reason: Optional[str] = None


@dataclass(frozen=True)
class StoredPath:
    """A path of a picture, and what was there when this was asked for."""

    #: The path that stands for the file of a `link` or `hard_link`; null otherwise.
    link_to: Optional[str]
    #: In a group, the last names of the path, as many as tell the paths of the group apart; of one picture, the whole
    #: path.
    path: str
    #: `present`; `link`: the same file as at `link_to`, through a symbolic link; `hard_link`: the same file without
    #: one; `missing`: nothing is there; `unreachable`: that cannot be known, and it counts as a file.
    state: str


@dataclass(frozen=True)
class PictureAndPaths(Picture):
    """A picture, and where its files lie on the server."""

    #: The folder of the first of its paths; null where it has none, as an upload, and for keys without the scope admin.
    folder: Optional[str]
    #: Its paths: files that are there first, then further paths to them; for keys without the scope admin the last
    #: names, as few as tell them apart. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte.
    paths: List[StoredPath]


@dataclass(frozen=True)
class PictureList:
    """One page of the stored pictures."""

    images: List[Picture]
    #: How many were asked for at most.
    limit: int
    #: Give this as `cursor` for the next page; null when this was the last.
    next: Optional[str]
    #: How many were skipped.
    offset: int
    #: Number of pictures in all.
    total: int


@dataclass(frozen=True)
class ObjectFacts:
    """An object that pictures belong to."""

    id: str
    #: How many pictures belong to it.
    pictures: int


@dataclass(frozen=True)
class ObjectList:
    """One page of the objects that pictures belong to, by id."""

    #: At most so many were asked for.
    limit: int
    #: Give this as `cursor` for the next page; null when this was the last.
    next: Optional[str]
    objects: List[ObjectFacts]
    #: How many were skipped.
    offset: int
    #: Number of objects in all.
    total: int


@dataclass(frozen=True)
class ObjectPictures:
    """One page of the pictures of an object, newest first."""

    id: str
    images: List[Picture]
    #: At most so many were asked for.
    limit: int
    #: Give this as `cursor` for the next page; null when this was the last.
    next: Optional[str]
    #: How many were skipped.
    offset: int
    #: How many pictures belong to it.
    total: int


@dataclass(frozen=True)
class Count:
    """How many pictures are stored."""

    #: How many there are.
    count: int


@dataclass(frozen=True)
class ExifFact:
    """A field of Exif."""

    #: As Exif names it, for example `ExposureTime`.
    name: str
    #: With its unit, for example `1/125 s`; at most 300 characters.
    value: str


@dataclass(frozen=True)
class ExifList:
    """The Exif of a file, in its order; at most 768 fields."""

    fields: List[ExifFact]


@dataclass(frozen=True)
class MediaTypeFacts:
    """A media type of stored files."""

    #: For example `image/jpeg`; a filter takes it as `media_type`.
    media_type: str
    #: How many pictures have it.
    pictures: int


@dataclass(frozen=True)
class MediaTypeList:
    """The media types of the stored files, ascending."""

    media_types: List[MediaTypeFacts]


@dataclass(frozen=True)
class ManyChanged:
    """What came of labelling all pictures that a filter means."""

    #: How many have these labels now.
    changed: int
    #: Whether only counting was asked for.
    dry_run: bool
    #: How many the filter meant when the request began.
    matched: int
    #: How many would have too many tags, and stay as they were.
    too_many_tags: int


@dataclass(frozen=True)
class ManyRemoved:
    """What came of removing all pictures that a filter means."""

    #: Whether only counting was asked for.
    dry_run: bool
    #: How many the filter meant when the request began.
    matched: int
    #: How many were removed.
    removed: int


@dataclass(frozen=True)
class Removed:
    """How many pictures were removed."""

    #: How many were removed.
    removed: int


@dataclass(frozen=True)
class RefusedFile:
    """A file of an indexed folder that could not be taken in."""

    #: Stable code of the reason, one of those in the list of errors.
    code: str
    #: Where it lies on the server. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte.
    path: str
    #: False where the file is no picture as far as its content and the ending of its name tell, as a sidecar or a video
    #: is.
    picture: bool
    #: The reason as a sentence.
    reason: str
    #: When it was refused (RFC 3339, UTC).
    seen: str


@dataclass(frozen=True)
class RefusedList:
    """One page of the files that could not be taken in, by path."""

    #: Give this as `after` for the next page; null when this was the last.
    next: Optional[str]
    refused: List[RefusedFile]
