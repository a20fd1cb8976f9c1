"""What the server answers. Written by generate.py from its OpenAPI document; do not edit."""

from dataclasses import dataclass
from typing import List, Optional

from resight_client.models.pictures import Picture


@dataclass(frozen=True)
class Instance:
    """One place in a result where the query is seen."""

    #: Number of matched points that fit its transform.
    inliers: int
    #: log10 of how many such fits chance would give; the lower, the surer. Null where no features agree, as in a file
    #: of the same bytes that has none.
    nfa_log10: Optional[float]
    #: The query's outline there, as the hit's `region`.
    region: Optional[List[List[float]]]
    #: The part that matches there, as the hit's `shared`.
    shared: Optional[List[List[float]]]
    #: The 3x3 matrix from the query's pixels to the result's, row by row.
    transform: List[float]


@dataclass(frozen=True)
class SameObject:
    """The pictures of a hit's object that were found beside it."""

    #: Ids of at most a hundred of them, best first.
    image_ids: List[str]
    #: How many there are.
    total: int


@dataclass(frozen=True)
class Hit:
    """A stored picture that resembles the query. Its scores are of different kinds and stay apart."""

    #: Whether they are more alike than one pair of unrelated pictures in a million.
    alike: bool
    #: Whether its pixels verify it: both pictures show the same in the same frame, and the features are too few to
    #: tell. There are no inliers then.
    by_pixels: bool
    #: Likeness of the whole pictures, -1 to 1, by the model that makes them most alike; null when no such model is
    #: asked.
    cosine: Optional[float]
    #: Share of the query, or of its region, that the matched part covers, 0 to 1.
    coverage_query: float
    #: Share of the result that the matched part covers, 0 to 1.
    coverage_result: float
    #: What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both share while
    #: most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those of pictures with few
    #: features; `file`, its bytes. Null when not verified. A mirrored or inverted picture is never a mark.
    evidence: Optional[str]
    #: Whether it was compared closely; hits after those that were are ranked by visual words alone.
    examined: bool
    #: Whether its file has the bytes of a picture that was sent. Such a hit is verified, whatever its features.
    identical: bool
    image: Picture
    #: Number of matched points that fit the transform.
    inliers: int
    #: Every place in the result where the query is seen, at most 8, each verified by itself; this hit's own
    #: `transform`, `region` and `shared` first. Places whose frames overlap by more than half of the smaller, or whose
    #: matched parts by more than 0.3, are one. Empty when not verified.
    instances: List[Instance]
    #: Whether the result shows the query with its tones inverted, as a negative does.
    inverted: bool
    #: Whether the result shows the query mirrored.
    mirrored: bool
    #: The model's name; null when no such model is asked.
    model: Optional[str]
    #: log10 of how many such fits chance would give; the lower, the surer. Null when no transform was found.
    nfa_log10: Optional[float]
    #: Which of the pictures searched for the evidence is about, counted from 0; 0 for one.
    query: int
    #: The outline of the query, or of its region, in the result's pixels, clipped to the result: 3 to 8 corners [x, y],
    #: 4 where all of it is inside, in the order of the query's from its top left on clockwise; null when not verified.
    region: Optional[List[List[float]]]
    #: The part of the result that matches, in its pixels: corners [x, y] of a convex polygon around all that the
    #: matched descriptors describe. The frame, `region`, may hold much that the result does not show. Null when not
    #: verified.
    shared: Optional[List[List[float]]]
    #: The same part in the pixels of the query's whole picture; null when not verified.
    shared_query: Optional[List[List[float]]]
    #: The stage that found it: `words` of the query, `expansion`, words of verified hits, `dense`, the vectors of a
    #: model, `bytes`, those of the file, or `pixels`, those of a picture with few features.
    stage: str
    #: The 3x3 matrix from the query's pixels to the result's, row by row. Where `mirrored` is true it mirrors.
    transform: Optional[List[float]]
    #: Whether the geometry agrees beyond chance: the same thing is in both pictures.
    verified: bool
    #: Score by visual words; comparable within one search only.
    words: float
    #: Which frame of an animation the hit is about, from 1; only where several frames are searched.
    frame: Optional[int] = None
    #: The inliers as [query x, query y, result x, result y] in pixels of the full pictures; only with `matches=true`.
    matches: Optional[List[List[float]]] = None
    #: Which page of the file the hit is about, from 1; only where several pages are searched.
    page: Optional[int] = None
    same_object: Optional[SameObject] = None
    #: When that frame begins, in milliseconds from the first; only with `frame`.
    time_ms: Optional[int] = None
    #: Width and height of that page or frame in pixels, in which the places in the result are; only with `page` or
    #: `frame`.
    view_size: Optional[List[int]] = None


@dataclass(frozen=True)
class QueryFacts:
    """A picture that was searched for."""

    #: Number of local features that were searched by.
    features: int
    #: Height in pixels, upright.
    height: int
    #: Its id if it is a stored picture; null if it was sent.
    image_id: Optional[str]
    #: Its name if it is a stored picture; null if it was sent.
    name: Optional[str]
    #: Left, top, width and height of the region that counted, in pixels; null for all of it.
    region: Optional[List[float]]
    #: Width in pixels, upright.
    width: int


@dataclass(frozen=True)
class Timings:
    """Where the time of a search went, in milliseconds."""

    #: Finding candidates by visual words.
    candidates_ms: float
    #: Reading the picture; 0 for a stored one.
    decode_ms: float
    #: Asking once more with what verified hits show; 0 where there was nothing to ask with.
    expand_ms: float
    #: Finding and describing its local features; 0 for a stored one.
    extract_ms: float
    #: Finding what looks alike, and looking at that closely; 0 where no model is asked.
    likeness_ms: float
    #: All of it, the same as `took_ms`.
    total_ms: float
    #: Looking for the query mirrored and inverted; 0 where that was not done.
    variants_ms: float
    #: Looking at the candidates closely.
    verify_ms: float


@dataclass(frozen=True)
class SearchAnswer:
    """What a search found."""

    #: How many hits after those look like the query as a whole.
    alike_hits: int
    #: Files of the same bytes first; then verified hits, surest first; then those that look alike, the most alike
    #: first; then those compared closely whose number of false alarms is below 1, surest first; then all others by
    #: visual words. The surest are those with the fewest false alarms in the uniform chance model.
    hits: List[Hit]
    #: Whether the query was looked for with its tones inverted as well; not with features of a plug-in.
    inverted: bool
    #: How many stored pictures were left out because somebody said that they are no match of the query.
    left_out: int
    #: How many hits were asked for at most.
    limit: int
    #: Whether the query was looked for mirrored as well; not with features of a plug-in.
    mirrored: bool
    #: How many hits were skipped.
    offset: int
    #: What was searched for; the first picture where several were given.
    query: QueryFacts
    #: How many candidates were looked at closely.
    shortlist: int
    timings: Timings
    #: How long the search took, in milliseconds.
    took_ms: float
    #: Number of hits in all: pictures that share a visual word with the query or look like it, or with
    #: `group_by=object` the objects that these belong to.
    total: int
    #: How many of all hits are verified.
    verified_hits: int
    #: All of them, where several were given.
    queries: Optional[List[QueryFacts]] = None


@dataclass(frozen=True)
class Side:
    """One of the two pictures, or the page or frame of it that agrees most with one of the other."""

    #: Number of local features found in it.
    features: int
    #: Height in pixels, upright.
    height: int
    #: Width in pixels, upright.
    width: int
    #: Which frame of the animation or video it is, from 1; only where several frames were compared.
    frame: Optional[int] = None
    #: Its id if it is a stored picture.
    image_id: Optional[str] = None
    #: Which page of the file it is, from 1; only where several pages were compared.
    page: Optional[int] = None
    #: When that frame begins, in milliseconds from the first; only with `frame`.
    time_ms: Optional[int] = None


@dataclass(frozen=True)
class Comparison:
    """What two pictures share."""

    a: Side
    b: Side
    #: Whether the pixels verify them: both show the same in the same frame, and the features are too few to tell.
    by_pixels: bool
    #: Share of A that the matched part covers, 0 to 1.
    coverage_a: float
    #: Share of B that the matched part covers, 0 to 1.
    coverage_b: float
    #: What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both share while
    #: most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those of pictures with few
    #: features; `file`, its bytes. Null when not verified. A mirrored or inverted picture is never a mark.
    evidence: Optional[str]
    #: Whether the two files have the same bytes. Such pictures are verified, whatever their features.
    identical: bool
    #: Number of matched points that fit the transform.
    inliers: int
    #: Whether the second shows the first with its tones inverted, as a negative does.
    inverted: bool
    #: Matched points in all.
    matches: int
    #: Whether the second shows the first mirrored.
    mirrored: bool
    #: log10 of how many such fits chance would give; the lower, the surer. Null when no transform was found.
    nfa_log10: Optional[float]
    #: The inliers as [x in A, y in A, x in B, y in B], pixels of the full pictures.
    points: List[List[float]]
    #: The outline of A in B's pixels, four corners [x, y] from the top left on clockwise; null when not verified.
    region: Optional[List[List[float]]]
    #: The 3x3 matrix from A's pixels to B's, row by row; null when not verified.
    transform: Optional[List[float]]
    #: Whether the geometry agrees beyond chance: the same thing is in both pictures.
    verified: bool
