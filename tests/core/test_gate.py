from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import cards, gate, images
from core.errors import OpacityError, RefusedScan
from core.types import Card, Scan

CARD = next(card for card in cards.every() if card.input.region == "lungs")


def scan_of(pixels: np.ndarray) -> Scan:
    return Scan(pixels.astype(np.float32), "digest", "film.png")


def test_a_chest_film_passes(drawn: Scan):
    gate.check(drawn, CARD)


def test_a_thumbnail_is_refused_with_its_size():
    with pytest.raises(RefusedScan, match=r"film\.png is 40 x 30 pixels"):
        gate.check(scan_of(np.random.default_rng(0).random((30, 40))), CARD)


def test_a_blank_image_is_refused():
    with pytest.raises(RefusedScan, match="blank"):
        gate.check(scan_of(np.full((200, 200), 0.4)), CARD)


def test_a_colour_photograph_is_refused_with_the_share(drawn: Scan):
    with pytest.raises(RefusedScan, match=r"photograph \(colour in 83% of pixels\)"):
        gate.check(replace(drawn, colour_share=0.83), CARD)


def test_another_modality_is_named(drawn: Scan):
    with pytest.raises(RefusedScan, match="its modality is MR"):
        gate.check(replace(drawn, modality="MR"), CARD)


@pytest.mark.parametrize("kind", ["noise", "ramp", "text"])
def test_pictures_without_lungs_are_refused(kind: str):
    rng = np.random.default_rng(0)
    pictures = {
        "noise": rng.random((224, 224)),
        "ramp": np.tile(np.linspace(0, 1, 224), (224, 1)),
        "text": (rng.random((28, 28)) > 0.8).repeat(8, 0).repeat(8, 1).astype(float),
    }
    with pytest.raises(RefusedScan, match="lungs"):
        gate.check(scan_of(pictures[kind]), CARD)


def test_a_card_for_whole_images_asks_for_no_lungs():
    whole = replace(CARD, input=replace(CARD.input, region="whole"))
    gate.check(scan_of(np.random.default_rng(0).random((224, 224))), whole)


def refused(files: list[Path], card: Card) -> float:
    """Share of the readable files that the gate refuses."""
    answers: list[bool] = []
    for path in files:
        try:
            gate.check(images.read(path.read_bytes(), path.name), card)
            answers.append(False)
        except RefusedScan:
            answers.append(True)
        except OpacityError:
            continue
    return sum(answers) / len(answers)


def test_films_of_three_sources_are_hardly_ever_refused(data: Path):
    assert refused(sorted((data / "chest_xray/test").rglob("*.jpeg"))[::6], CARD) <= 0.02
    assert refused(sorted((data / "covid_radiography/Normal").iterdir())[::40], CARD) <= 0.02
    assert refused(sorted((data / "dicom/cxr").iterdir()), CARD) == 0
