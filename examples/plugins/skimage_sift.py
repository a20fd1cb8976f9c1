"""scikit-image's SIFT. Needs scikit-image and numpy."""

import numpy as np
from skimage.color import rgb2gray
from skimage.feature import SIFT
from skimage.transform import downscale_local_mean

__version__ = "1"
_SIDE = 1024  # it takes seconds a megapixel: larger pictures are made smaller first


def extract(image):
    height, width, _ = image.shape
    step = -(-max(height, width) // _SIDE)
    grey = rgb2gray(image)[: height // step * step, : width // step * step]
    if min(grey.shape) < 16 * step:  # too small for its pyramid
        return [], []
    sift = SIFT()
    try:
        sift.detect_and_extract(downscale_local_mean(grey, (step, step)))
    except RuntimeError:  # "found no features"
        return [], []
    rows, columns = ((sift.positions + 0.5) * step - 0.5).T
    # Its angles turn from the row axis; ours from +x towards +y.
    angles = np.pi / 2 - sift.orientations
    keypoints = np.stack([columns, rows, sift.sigmas * step, angles], axis=1)
    return keypoints, np.minimum(sift.descriptors, 255).astype(np.uint8)
