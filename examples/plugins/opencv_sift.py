"""OpenCV's SIFT as RootSIFT bytes. Needs opencv-python-headless and numpy."""

import cv2
import numpy as np

__version__ = "1"
_sift = cv2.SIFT_create(nfeatures=1000)


def extract(image):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    keypoints, descriptors = _sift.detectAndCompute(grey, None)
    if descriptors is None:
        return [], []
    root = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))
    return list(keypoints), np.minimum(root * 512, 255).astype(np.uint8)
