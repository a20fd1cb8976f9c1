"""OpenCV's ORB: 256 bits a feature. Needs opencv-python-headless and numpy."""

import cv2

import resight

_orb = cv2.ORB_create(nfeatures=1000)


@resight.extractor(version="2", kind="binary", dimension=32)
def extract(image):
    if min(image.shape[:2]) < 32:  # its patches of 31 pixels do not fit, and it raises
        return [], []
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    keypoints, descriptors = _orb.detectAndCompute(grey, None)
    for keypoint in keypoints:
        # ORB's size is the side of the patch that is described. To Resight a scale is a sixth of half
        # of that, and keypoints that see the same pixels are one piece of evidence.
        keypoint.size /= 6
    return list(keypoints), descriptors
