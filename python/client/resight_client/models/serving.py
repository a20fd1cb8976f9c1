"""What the server answers. Written by generate.py from its OpenAPI document; do not edit."""

from dataclasses import dataclass
from typing import Dict, List, Optional


@dataclass(frozen=True)
class Collection:
    """A collection of pictures."""

    #: Its name.
    name: str
    #: How many pictures it holds; null where its catalogue cannot be read.
    pictures: Optional[int] = None


@dataclass(frozen=True)
class CollectionList:
    """All collections: the default one, then the others by name."""

    #: The collections.
    collections: List[Collection]


@dataclass(frozen=True)
class Job:
    """A job."""

    #: Whether somebody asked for its end.
    cancelling: bool
    #: The code of the error that ended it; null where none did.
    code: Optional[str]
    #: The collection that it works on.
    collection: str
    #: What it has done, by name.
    counts: Dict[str, int]
    #: What that error says; null where none ended it, and where the reader is no admin.
    detail: Optional[str]
    #: Things done so far.
    done: int
    #: When it ended; null before.
    ended: Optional[str]
    #: The folder that it reads or writes; null where there is none, and where the reader is no admin.
    folder: Optional[str]
    #: The number of the registered folder that it reads; null where it reads none.
    folder_id: Optional[int]
    #: Its number.
    id: int
    #: What it does: index, duplicates, verify, backup, embed or export.
    kind: str
    #: When it was made (RFC 3339, UTC).
    made: str
    #: The id of the key that made it; null without one, and where the reader is no admin.
    made_by: Optional[str]
    #: Things a second; null unless it runs.
    rate: Optional[float]
    #: Seconds that it will take yet at this rate; null where that is not known.
    seconds_left: Optional[float]
    #: When it was first begun; null before.
    started: Optional[str]
    #: Where it stands: queued, running, done, failed or cancelled.
    state: str
    #: Things in all, as far as known.
    total: int


@dataclass(frozen=True)
class JobList:
    """Some of the jobs, the newest first."""

    #: The jobs of this page.
    jobs: List[Job]
    #: The `before` of the next page; null where this is the last one.
    next: Optional[int]
    #: Number of jobs that the filters mean.
    total: int


@dataclass(frozen=True)
class JobRefused:
    """A file that a job refused."""

    #: Why, for programs.
    code: str
    #: Why, for people.
    detail: str
    #: Its path.
    path: str


@dataclass(frozen=True)
class JobRefusedList:
    """Files that a job refused; of a job of kind `verify`, what it found damaged."""

    #: The `after` of the next page; null where this is the last one.
    next: Optional[str]
    #: The files of this page.
    refused: List[JobRefused]


@dataclass(frozen=True)
class Rules:
    """How a folder is indexed."""

    #: What is left out: lines of a .gitignore.
    exclude: Optional[List[str]] = None
    #: What is taken in whatever leaves it out.
    include: Optional[List[str]] = None
    #: Whether pictures are removed whose files are gone.
    prune: Optional[bool] = None
    #: Tags of each picture of the folder.
    tags: Optional[List[str]] = None


@dataclass(frozen=True)
class Folder:
    """A registered folder."""

    #: The collection that its pictures belong to.
    collection: str
    #: Its number.
    id: int
    #: The last job that read all of it; null for none.
    job: Optional[int]
    #: When its files were last compared with what is stored; null for never.
    last_run: Optional[str]
    #: When it was registered (RFC 3339, UTC).
    made: str
    #: The last name of its path.
    name: str
    #: Its path; null where the reader is no admin.
    path: Optional[str]
    rules: Optional[Rules]
    #: Whether changes are followed: watching, polling, gone, or idle where nobody looks.
    state: str


@dataclass(frozen=True)
class FolderList:
    """The registered folders."""

    #: The folders, in the order in which they were registered.
    folders: List[Folder]


@dataclass(frozen=True)
class Key:
    """A key without its secret."""

    #: Requests that it may make at once; null for any number.
    at_once: Optional[int]
    #: The collections it is good for; null for all.
    collections: Optional[List[str]]
    #: When it was made (RFC 3339, UTC).
    created: str
    #: Whether it has ended.
    ended: bool
    #: When it ends; null for never.
    expires: Optional[str]
    #: Twelve hexadecimal digits, by which it is revoked.
    id: str
    #: When it was last used, to the minute; null for never.
    last_used: Optional[str]
    #: What it is for.
    name: str
    #: Requests that it may make a minute; null for any number.
    per_minute: Optional[int]
    #: What it allows: search, read, add, delete or admin, which is all of them.
    scopes: List[str]


@dataclass(frozen=True)
class KeyList:
    """All keys."""

    #: The oldest first.
    keys: List[Key]


@dataclass(frozen=True)
class KeyMade(Key):
    """A key that was made."""

    #: What requests carry as `Authorization: Bearer SECRET`. It is shown now and never again.
    secret: str


@dataclass(frozen=True)
class SessionState:
    """What a session or a key stands for."""

    key: Optional[Key]


@dataclass(frozen=True)
class ModelState:
    """How far a model has come."""

    #: From which cosine on pictures are alike: one pair of unrelated pictures in a million reaches it, as the pictures
    #: held tell. Null while too few are held to tell.
    alike_from: Optional[float]
    #: Whether it can describe pictures now; otherwise the vectors it made before are compared.
    at_hand: bool
    #: Numbers in a vector.
    dimension: int
    #: The licence of its weights, as its author states it. Null for plug-ins, and where the model is not installed.
    licence: Optional[str]
    #: Its id: the file, the settings and the runtime that its vectors were made with.
    model: str
    #: Its name.
    name: str
    #: Pictures that wait for their vector, and are found by their words meanwhile.
    pending: int
    #: Pictures that have a vector.
    vectors: int
    #: Pictures that it cannot describe.
    without: int


@dataclass(frozen=True)
class ModelList:
    """The models that tell what looks alike."""

    #: In the order in which they came into use; twice the same name while one takes the other's place.
    models: List[ModelState]


@dataclass(frozen=True)
class Health:
    """Whether the server answers."""

    #: Always `ok`.
    status: str


@dataclass(frozen=True)
class CollectionStorage:
    """How much room a collection takes, in bytes."""

    #: The catalogue's files. Features, words and vectors are parts of it.
    catalogue: int
    #: Why its catalogue cannot be read, as a code of `docs/errors.md`; null where it can.
    code: Optional[str]
    #: Features, by which pictures are verified; null where the catalogue cannot be read.
    features: Optional[int]
    #: The files of the indexes, which are made from words and vectors.
    index: int
    #: Its name.
    name: str
    #: Files of uploads.
    originals: int
    #: Its number of pictures; null where its catalogue cannot be read.
    pictures: Optional[int]
    #: Thumbnails.
    thumbnails: int
    #: `originals`, `thumbnails`, `catalogue` and `index`.
    total: int
    #: Vectors of models; null as above.
    vectors: Optional[int]
    #: Visual words, by which candidates are found; null as above.
    words: Optional[int]


@dataclass(frozen=True)
class Storage:
    """How much room the data folder takes, in bytes."""

    #: The collections that the key is good for.
    collections: List[CollectionStorage]
    #: When it was measured (RFC 3339, UTC): at most a minute ago.
    computed: str
    #: What is free on the disk of the data folder; null where the system does not tell, and for a key of some
    #: collections.
    free: Optional[int]
    #: What belongs to no collection, as jobs, keys, kept answers and exports; null for a key of some collections.
    service: Optional[int]
    #: All that is listed here.
    total: int


@dataclass(frozen=True)
class Webhook:
    """An address to which the server reports jobs that have ended, without its secret."""

    #: When it was made (RFC 3339, UTC).
    created: str
    #: Twelve hexadecimal digits, by which it is removed.
    id: str
    #: The id of the key that made it; null without one.
    made_by: Optional[str]
    #: Where messages are sent.
    url: str


@dataclass(frozen=True)
class WebhookList:
    """All webhooks."""

    #: The oldest first.
    webhooks: List[Webhook]


@dataclass(frozen=True)
class WebhookMade:
    """A webhook that was made."""

    #: What messages are signed with, in the form of Standard Webhooks. It is shown once.
    secret: str
    #: The webhook.
    webhook: Webhook
