"""The part of a picture that a person chose: straightened first, then cropped."""

import numpy as np
from PIL import Image

from core.types import FloatArray, View


def image(picture: Image.Image, view: View) -> Image.Image:
    """Any Pillow image, in its own mode."""
    if view.angle:
        picture = picture.rotate(view.angle, resample=Image.Resampling.BILINEAR)
    if view.crop is None:
        return picture
    top, left, bottom, right = view.crop
    box = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
    left, top = int(min(max(box[0], 0), picture.width - 1)), int(min(max(box[1], 0), picture.height - 1))
    right = max(left + 1, min(round(box[2]), picture.width))
    bottom = max(top + 1, min(round(box[3]), picture.height))
    return picture.crop((int(left), int(top), int(right), int(bottom)))


def pixels(shown: FloatArray, view: View) -> FloatArray:
    """(H, W) in [0, 1]."""
    if not view.angle and view.crop is None:
        return shown
    return np.clip(np.asarray(image(Image.fromarray(shown), view), np.float32), 0, 1)
