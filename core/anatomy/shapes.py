"""What lungs and heads share: islands of a mask, and boxes around masks."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def islands(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The connected components of a mask, neighbours being those that share a side.

    mask: (H, W). Returns labels (H, W), 0 outside of all and i + 1 on the i-th, and areas (n,) in pixels.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return labels.astype(np.int32), stats[1:, cv2.CC_STAT_AREA].astype(np.int32)


def opened(mask: Mask, times: int) -> Mask:
    """The mask without what is thinner than twice `times` pixels; outside the picture is no mask."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    result = cv2.morphologyEx(
        mask.astype(np.uint8),
        cv2.MORPH_OPEN,
        cross,
        iterations=times,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return result.astype(np.bool_)


def filled(island: Mask) -> Mask:
    """One island with its holes filled."""
    outlines, _ = cv2.findContours(island.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(np.zeros(island.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    return drawn.astype(np.bool_)


def hull_of(mask: Mask, grown: int) -> Mask:
    """The convex hull around all of a mask. An empty mask gives the whole picture.

    mask: (H, W).
    grown: how many pixels the hull is widened by, on every side.
    """
    if not mask.any():
        return np.ones_like(mask)
    points = cv2.findNonZero(mask.astype(np.uint8))
    drawn = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1, 2 * grown + 1))
    return cv2.dilate(drawn, disc).astype(np.bool_)


def box_of(mask: Mask, margin: float) -> tuple[float, float, float, float]:
    """(top, left, bottom, right) in fractions of the picture around all of a mask, and a margin.

    margin: in the same fractions. An empty mask gives the whole picture.
    """
    if not mask.any():
        return 0.0, 0.0, 1.0, 1.0
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    tall, wide = mask.shape
    return (
        max(top / tall - margin, 0.0),
        max(left / wide - margin, 0.0),
        min((top + height) / tall + margin, 1.0),
        min((left + width) / wide + margin, 1.0),
    )
