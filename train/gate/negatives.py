"""Pictures that are no frontal chest film, for measuring what the gate lets through."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

PAGES = ("page.png", "text.png")
NO_PHOTOGRAPHS = {*PAGES, "phantom.png", "chessboard_GRAY.png", "chessboard_RGB.png"}
CROPS = 10
PER_KIND = 200
WORDS = (
    "the findings of this letter were sent in error please read both sides before you sign here and keep "
    "one copy with the date of your visit number room floor telephone thank you very much"
)


def photographs(rng: np.random.Generator) -> Iterator[bytes]:
    """scikit-image's pictures in colour, in grey, and square pieces of them in grey."""
    for path in sorted(_samples().glob("*.[pj][np]g")):
        if path.name in NO_PHOTOGRAPHS:
            continue
        with Image.open(path) as image:
            whole = image.convert("RGB")
        yield _png(whole)
        grey = whole.convert("L")
        yield _png(grey)
        for _ in range(CROPS):
            side = int(rng.integers(min(grey.size) // 2, min(grey.size) + 1))
            left, top = (int(rng.integers(0, length - side + 1)) for length in grey.size)
            yield _png(grey.crop((left, top, left + side, top + side)))


def _samples() -> Path:
    try:
        import skimage
    except ImportError as error:
        raise SystemExit("Photographs come from scikit-image: pip install -r requirements-dev.txt") from error
    return Path(skimage.__file__).parent / "data"


def drawings(rng: np.random.Generator) -> Iterator[bytes]:
    """Lines, ellipses and polygons in grey, on light or dark ground; half of them soft."""
    for turn in range(PER_KIND):
        side = int(rng.integers(200, 500))
        image = Image.new("L", (side, side), int(rng.choice([0, 30, 255])))
        pen = ImageDraw.Draw(image)
        for _ in range(int(rng.integers(3, 25))):
            points = [(float(x), float(y)) for x, y in rng.uniform(0, side, (int(rng.integers(3, 7)), 2))]
            shade = int(rng.integers(0, 256))
            box = (*np.minimum(points[0], points[1]), *np.maximum(points[0], points[1]))
            match int(rng.integers(3)):
                case 0:
                    pen.line(points, fill=shade, width=int(rng.integers(1, 12)))
                case 1:
                    pen.ellipse(box, fill=shade)
                case _:
                    pen.polygon(points, fill=shade)
        soft = ndimage.gaussian_filter(np.asarray(image), 4) if turn % 2 else np.asarray(image)
        yield _png(Image.fromarray(soft))


def text_pages(rng: np.random.Generator) -> Iterator[bytes]:
    """Pages of words, dark on light and light on dark, and scikit-image's two scanned ones."""
    for name in PAGES:
        yield (_samples() / name).read_bytes()
    for turn in range(PER_KIND):
        image = Image.new("L", (420, 560), 245)
        pen = ImageDraw.Draw(image)
        size = int(rng.integers(10, 34))
        font = ImageFont.load_default(size=size)
        for line in range(int(rng.integers(3, 30))):
            words = " ".join(rng.choice(WORDS.split(), int(rng.integers(2, 9))))
            pen.text((int(rng.integers(10, 60)), 12 + line * size * 1.4), words, fill=20, font=font)
        page = np.asarray(image)
        yield _png(Image.fromarray(255 - page if turn % 2 else page))


def noise(rng: np.random.Generator) -> Iterator[bytes]:
    """White noise, clouds, ramps, rings and stripes."""
    y, x = np.mgrid[-1:1:224j, -1:1:224j]
    for turn in range(PER_KIND):
        grain = rng.normal(size=(224, 224))
        a, b, c = rng.uniform(2, 20, 3)
        pattern = [
            grain,
            ndimage.gaussian_filter(grain, a),
            np.cos(c / 5) * x + np.sin(c / 5) * y,
            np.cos(a * np.hypot(x, y)),
            np.sin(a * x + b * y) + 0.2 * grain,
        ][turn % 5]
        yield _png(Image.fromarray(((pattern - pattern.min()) / np.ptp(pattern) * 255).astype(np.uint8)))


def _png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
