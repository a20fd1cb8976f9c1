"""A colour histogram: 4 × 4 × 4 colours in each of 2 × 2 cells. Needs numpy."""

import numpy as np

__version__ = "1"


def embed(images):
    return np.stack([_histogram(image) for image in images])


def _histogram(image):
    height, width, _ = image.shape
    cells = []
    for rows in (slice(0, (height + 1) // 2), slice(height // 2, height)):
        for columns in (slice(0, (width + 1) // 2), slice(width // 2, width)):
            quarter = (image[rows, columns].reshape(-1, 3) >> 6).astype(np.int64)
            colours = quarter[:, 0] * 16 + quarter[:, 1] * 4 + quarter[:, 2]
            counts = np.bincount(colours, minlength=64).astype(np.float32)
            # The square root keeps one large colour from hiding all others.
            cells.append(np.sqrt(counts / counts.sum()))
    return np.concatenate(cells)
