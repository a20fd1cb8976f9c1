"""A gallery of its own, searched by colour: a student's image retrieval project in one file.

    resight serve --plugin examples/course_project/retrieval.py

GET  /api/tot_num   how many pictures the gallery holds
POST /api/upload    adds a picture
POST /api/search    the pictures most alike, best first

Answers have the form {"code": 200, "msg": "success", "data": ...}.
The gallery lives in this module's variables, so it is served by one worker and ends with it.
"""

import resight

BINS = 4  # for each of the three colours
GALLERY = []


@resight.function(route="/api/tot_num", methods=["GET"])
def tot_num():
    """How many pictures the gallery holds."""
    return _answer(len(GALLERY))


@resight.function(route="/api/upload", methods=["POST"])
def upload(image):
    """Adds a picture; its number is the answer's data."""
    GALLERY.append(_histogram(image))
    return _answer(len(GALLERY) - 1)


@resight.function(route="/api/search", methods=["POST"])
def search(image, limit: int = 5):
    """The pictures most alike, best first: histogram intersection, 1 for the same colours."""
    query = _histogram(image)
    scores = [sum(map(min, query, other)) for other in GALLERY]
    best = sorted(range(len(scores)), key=lambda i: -scores[i])[:limit]
    return _answer([{"id": i, "score": round(scores[i], 4)} for i in best])


def _answer(data):
    return {"code": 200, "msg": "success", "data": data}


def _histogram(image):
    """Shares of the colours in a picture, sampled on a grid of about 64 by 64."""
    height, width, _ = image.shape
    pixels = memoryview(image).cast("B")
    counts = [0] * BINS**3
    for y in range(0, height, max(1, height // 64)):
        for x in range(0, width, max(1, width // 64)):
            r, g, b = pixels[3 * (y * width + x) : 3 * (y * width + x) + 3]
            counts[(r * BINS // 256 * BINS + g * BINS // 256) * BINS + b * BINS // 256] += 1
    total = sum(counts)
    return [count / total for count in counts]
