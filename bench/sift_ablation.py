"""Which part of OpenCV's SIFT costs it matches: one part changed at a time.

    opencv-by-scale        OpenCV's keypoints, the largest kept and not the strongest
    opencv-rounded-root    RootSIFT rounded to 8 bits once more
    opencv-at-vlfeat       VLFeat's places and directions, OpenCV's descriptors
    opencv-at-ours         ours likewise
    own-snapped            OpenCV's places and directions, a descriptor of the same design written
                           here whose grid is centred on the nearest pixel, as OpenCV's is
    own-subpixel           the same, centred on the keypoint
    own-subpixel-at-ours   our places and directions with that
    vlfeat-1-direction     VLFeat, at most one direction a place
    vlfeat-4-directions    at most four (2 is COLMAP's default)
    vlfeat-root-last       the descriptor rounded to 8 bits before the root is taken, as with OpenCV

OpenCV means enable_precise_upscale here, so that the 0.25 px of its default is told apart.
"""

import cv2
import numpy as np

import sift_extractors as extractors
from sift_extractors import LAYERS, SIGMA, Features, ScaleSpace

MOST = 2000


def described_by_opencv(extract):
    sift = cv2.SIFT_create(nOctaveLayers=LAYERS, sigma=SIGMA, enable_precise_upscale=True)

    def changed(gray):
        found = extract(gray).pick(slice(MOST))
        _, descriptors = sift.compute(gray, extractors.opencv_keypoints(found.places))
        return Features(found.places, found.response, extractors.root(descriptors))
    return changed


def descriptor(dx, dy, x, y, scale, angle, snap):
    """Lowe's 4 × 4 × 8 descriptor, trilinear, clamped at 0.2, rounded to 8 bits as OpenCV's is."""
    bin_width = 3 * scale
    reach = int(round(bin_width * np.sqrt(2) * 2.5))
    cx, cy = int(round(x)), int(round(y))
    height, width = dx.shape
    left, right = max(cx - reach, 1), min(cx + reach, width - 2)
    top, bottom = max(cy - reach, 1), min(cy + reach, height - 2)
    v, u = np.mgrid[top:bottom + 1, left:right + 1]
    u, v = (u - (cx if snap else x), v - (cy if snap else y))
    c, s = np.cos(np.radians(angle)) / bin_width, np.sin(np.radians(angle)) / bin_width
    along, across = c * u + s * v, -s * u + c * v
    gx, gy = dx[top:bottom + 1, left:right + 1], dy[top:bottom + 1, left:right + 1]
    keep = (np.abs(along) < 2.5) & (np.abs(across) < 2.5)
    along, across, gx, gy = along[keep], across[keep], gx[keep], gy[keep]
    weight = np.hypot(gx, gy) * np.exp(-(along**2 + across**2) / 8)
    turn = (np.degrees(np.arctan2(gy, gx)) - angle) % 360 / 45
    histogram = np.zeros((6, 6, 8))
    parts = [(np.floor(a).astype(int), a - np.floor(a)) for a in (across + 1.5, along + 1.5, turn)]
    for corner in range(8):
        index, share = [], weight
        for axis, (low, part) in enumerate(parts):
            high = corner >> axis & 1
            index.append(low + high)
            share = share * (part if high else 1 - part)
        flat = ((index[0] + 1) * 6 + index[1] + 1) * 8 + index[2] % 8
        histogram += np.bincount(flat, share, 288).reshape(6, 6, 8)
    d = histogram[1:5, 1:5].ravel()
    d = np.minimum(d, 0.2 * np.linalg.norm(d))
    return np.clip(np.rint(512 * d / max(np.linalg.norm(d), 1e-9)), 0, 255)


def described_here(extract, snap):
    def changed(gray):
        found = extract(gray).pick(slice(MOST))
        space = ScaleSpace(gray)
        gradients = {}
        descriptors = np.zeros((len(found), 128), np.float32)
        for row, (x, y, scale, angle) in enumerate(found.places):
            step = LAYERS * np.log2(scale / (SIGMA / 2))
            octave = int(np.clip(np.floor((step - 0.5) / LAYERS), 0, len(space.octaves) - 1))
            layer = int(np.clip(np.rint(step - octave * LAYERS), 1, LAYERS))
            if (octave, layer) not in gradients:
                plane = space.octaves[octave][layer]
                gradients[octave, layer] = [cv2.filter2D(plane, -1, k) for k in (np.float32([[-1, 0, 1]]), np.float32([[-1], [0], [1]]))]
            factor = 2 / 2**octave
            descriptors[row] = descriptor(*gradients[octave, layer], x * factor, y * factor, scale * factor, angle, snap)
        return Features(found.places, found.response, extractors.root(descriptors))
    return changed


def reordered(extract):
    def changed(gray):
        found = extract(gray)
        return found.pick(np.argsort(-found.places[:, 2], kind="stable"))
    return changed


def rounded(extract):
    def changed(gray):
        found = extract(gray)
        return Features(found.places, found.response, np.clip(np.rint(512 * found.descriptors), 0, 255).astype(np.float32))
    return changed


def root_last(extract):
    def changed(gray):
        found = extract(gray)
        return Features(found.places, found.response, extractors.root(found.descriptors))
    return changed


def makers(contrast, made):
    opencv, vlfeat, ours = made["opencv-precise"], made["vlfeat"], made["ours"]
    return {
        "opencv-by-scale": reordered(opencv),
        "opencv-rounded-root": rounded(opencv),
        "opencv-at-vlfeat": described_by_opencv(vlfeat),
        "opencv-at-ours": described_by_opencv(ours),
        "own-snapped": described_here(opencv, snap=True),
        "own-subpixel": described_here(opencv, snap=False),
        "own-subpixel-at-ours": described_here(ours, snap=False),
        "vlfeat-1-direction": extractors.vlfeat(contrast, directions=1),
        "vlfeat-4-directions": extractors.vlfeat(contrast, directions=4),
        "vlfeat-root-last": root_last(extractors.vlfeat(contrast, rooted=False)),
    }
