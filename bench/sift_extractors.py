"""Our SIFT and its peers behind one call: grey picture in, features out, strongest first.

Places are in pixels with the centre of the top-left pixel at (0, 0); COLMAP puts it at (0.5, 0.5),
which is taken off. OpenCV's default is 0.25 px off to the lower right in its own doubling of the
picture; that is left in, being a fault of the peer and not of its convention.
"""

import pathlib
import struct
import subprocess
import tempfile
import warnings
from dataclasses import dataclass

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIGMA = 1.6
LAYERS = 3


@dataclass
class Features:
    """`places`: x, y, scale (sigma), angle in degrees; `descriptors`: RootSIFT as floats."""

    places: np.ndarray
    response: np.ndarray
    descriptors: np.ndarray

    def __len__(self):
        return len(self.places)

    def pick(self, order):
        return Features(self.places[order], self.response[order], self.descriptors[order])


def describe_binary(given):
    """The path of the Rust example that extracts; built unless one is given."""
    if given:
        return pathlib.Path(given)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "resight-vision", "--example", "describe"],
                   check=True, cwd=ROOT)
    return ROOT / "target/release/examples/describe"


def read_features(path):
    raw = path.read_bytes()
    (n,) = struct.unpack_from("<I", raw)
    rows = np.frombuffer(raw, np.uint8, offset=4).reshape(n, 20 + 128)
    numbers = rows[:, :20].copy().view("<f4")
    places = numbers[:, :4].copy()
    places[:, 3] = np.degrees(places[:, 3]) % 360
    return Features(places, numbers[:, 4], rows[:, 20:].astype(np.float32))


def ours(binary, contrast, most, options=""):
    def extract(gray):
        with tempfile.TemporaryDirectory() as work:
            picture = pathlib.Path(work) / "picture.pgm"
            cv2.imwrite(str(picture), gray)
            more = ["--options", options] if options else []
            subprocess.run([binary, "--max-features", str(most), "--contrast", str(contrast), *more, picture],
                           check=True, capture_output=True)
            return read_features(pathlib.Path(f"{picture}.features"))
    return extract


def root(descriptors):
    return np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-9))


def opencv(contrast, precise):
    sift = cv2.SIFT_create(nOctaveLayers=LAYERS, contrastThreshold=contrast, edgeThreshold=10, sigma=SIGMA,
                           enable_precise_upscale=precise)

    def extract(gray):
        keypoints, descriptors = sift.detectAndCompute(gray, None)
        places = np.array([(*k.pt, k.size / 2, k.angle) for k in keypoints], np.float32).reshape(-1, 4)
        response = np.array([k.response for k in keypoints], np.float32)
        order = np.argsort(-response, kind="stable")
        descriptors = np.zeros((0, 128), np.float32) if descriptors is None else root(descriptors)
        return Features(places, response, descriptors).pick(order)
    return extract


def opencv_keypoints(places):
    """Keypoints that OpenCV can describe: it reads octave and layer out of packed bits."""
    step = LAYERS * np.log2(places[:, 2] / (SIGMA / 2))
    octave = np.maximum(np.floor((step - 0.5) / LAYERS).astype(int), 0)
    layer = np.clip(np.rint(step - octave * LAYERS).astype(int), 1, LAYERS)
    return [cv2.KeyPoint(float(x), float(y), float(2 * scale), float(angle), 1.0, int(((o - 1) & 255) | (s << 8)))
            for (x, y, scale, angle), o, s in zip(places, octave, layer)]


class ScaleSpace:
    """Gaussian layers of a picture from twice its size down, x kept at 2x."""

    def __init__(self, gray):
        height, width = gray.shape
        double = np.float32([[2, 0, 0], [0, 2, 0]])
        base = cv2.warpAffine(gray.astype(np.float32) / 255, double, (2 * width, 2 * height),
                              flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        base = cv2.GaussianBlur(base, (0, 0), np.sqrt(SIGMA**2 - 1))
        self.octaves = []
        while min(base.shape) >= 8:
            layers = [base]
            for s in range(1, LAYERS + 3):
                before = SIGMA * 2 ** ((s - 1) / LAYERS)
                layers.append(cv2.GaussianBlur(layers[-1], (0, 0), before * np.sqrt(2 ** (2 / LAYERS) - 1)))
            self.octaves.append(layers)
            base = np.ascontiguousarray(layers[LAYERS][::2, ::2])

    def response(self, places):
        """The absolute difference of Gaussians at each place, between layers interpolated."""
        step = LAYERS * np.log2(places[:, 2] / (SIGMA / 2))
        octave = np.clip(np.floor((step - 0.5) / LAYERS).astype(int), 0, len(self.octaves) - 1)
        layer = np.clip(step - octave * LAYERS, 0, LAYERS + 1)
        strength = np.zeros(len(places), np.float32)
        for o, layers in enumerate(self.octaves):
            here = np.flatnonzero(octave == o)
            if not len(here):
                continue
            x, y = (places[here, :2] * np.float32(2 / 2**o)).T
            planes = [cv2.remap(b - a, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
                      for a, b in zip(layers, layers[1:])]
            low = np.minimum(layer[here].astype(int), LAYERS)
            part = layer[here] - low
            planes, each = np.array(planes), np.arange(len(here))
            strength[here] = np.abs(planes[low, each] * (1 - part) + planes[low + 1, each] * part)
        return strength


def vlfeat(contrast, most=None, directions=2, rooted=True):
    """VLFeat through COLMAP. With `most`, COLMAP's own choice, which is by scale: it keeps whole
    layers from the coarsest down until there are `most` or more (cut to `most` here, coarsest
    first). Without, all, ordered by the difference of Gaussians measured here, since COLMAP gives
    no response."""
    import pycolmap

    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value
    normal = pycolmap.Normalization
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.num_threads = 1
    options.sift.max_num_features = most or 1_000_000
    options.sift.first_octave = -1
    options.sift.max_num_orientations = directions
    options.sift.octave_resolution = LAYERS
    options.sift.peak_threshold = contrast / LAYERS
    options.sift.edge_threshold = 10
    options.sift.normalization = normal.L1_ROOT if rooted else normal.L2
    options.sift.darkness_adaptivity = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        sift = pycolmap.Sift(options, pycolmap.Device.cpu)

    def extract(gray):
        places, descriptors = sift.extract(np.ascontiguousarray(gray))
        places = places[:, :4].astype(np.float32)
        places[:, :2] -= 0.5
        places[:, 3] = np.degrees(places[:, 3]) % 360
        response = ScaleSpace(gray).response(places)
        order = np.argsort(-places[:, 2] if most else -response, kind="stable")[:most]
        return Features(places, response, descriptors.astype(np.float32)).pick(order)
    return extract
