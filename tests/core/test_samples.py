"""Samples: listed, checked, found by name."""

import json
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from core import cards, samples
from core.card_types import Card
from core.errors import CardError, UnknownName
from core.reading import images
from core.samples import readings
from tests.phantoms.samples import ship


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return ship(tmp_path)


def test_samples_come_in_the_order_of_their_manifest(root: Path):
    every = samples.every(root)
    assert [sample.path.name for sample in every][:2] == ["chest-normal-1.png", "chest-normal-2.png"]
    assert {sample.modality for sample in every} == {"chest film", "brain MRI slice"}
    assert all(sample.synthetic for sample in every)


def test_a_checkout_without_samples_has_none(tmp_path: Path):
    assert samples.every(tmp_path) == ()


def test_the_digest_of_a_sample_is_that_of_its_scan(root: Path):
    sample = samples.every(root)[0]
    scan = images.read(samples.read(sample), sample.name)
    assert scan.digest == sample.sha256
    assert scan.name == "Synthetic chest-normal-1.png"


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"other"), Path.unlink], ids=["other", "gone"]
)
def test_a_file_that_is_not_as_listed_is_not_read(root: Path, change):
    sample = samples.every(root)[0]
    change(sample.path)
    with pytest.raises(CardError, match=r"chest-normal-1\.png is missing or was altered .* train\.samples"):
        samples.read(sample)


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../../secret.png"},
        {"file": ".hidden"},
        {"synthetic": False},
        {"seed": "x"},
        {"sha256": None},
    ],
    ids=str,
)
def test_a_manifest_that_breaks_its_rules_is_said(root: Path, change: dict[str, object]):
    path = root / "samples" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["samples"][1].update(change)
    path.write_text(json.dumps(manifest))
    with pytest.raises(
        CardError, match=rf"manifest\.json breaks its rules: samples\.1\.{next(iter(change))}"
    ):
        samples.every(root)


def test_a_sample_is_found_by_its_file_name(root: Path):
    every = samples.every(root)
    assert samples.named("chest-viral-1.png", every).condition == "viral pneumonia"
    with pytest.raises(UnknownName, match=r"No sample 'x'\. Choose from: chest-normal-1\.png"):
        samples.named("x", every)
    with pytest.raises(UnknownName, match="none is here"):
        samples.named("x", ())


CARD = {
    "id": "samples",
    "model": "drawn",
    "command": "python -m train.samples --data DATA",
    "commit": "abc",
    "fresh": 3,
    "choosing": "By hand.",
    "agreement": {
        "chest film": {"card": "x", "fresh": {"n": 3, "agrees": 1}, "shipped": {"n": 2, "agrees": 1}}
    },
    "frechet": {"chest film": {"n": 3, "made": 1.5}},
    "nearest": {"chest film": {"pixels": {"real patients": 0.2, "shipped": {"a.png": 0.3}}}},
    "limitations": ["Drawn."],
}


def test_the_card_of_the_samples_is_read(root: Path):
    assert samples.card(root) is None
    path = root / "samples" / "card.json"
    path.write_text(json.dumps(CARD))
    card = samples.card(root)
    assert card is not None
    assert card.nearest["chest film"]["pixels"] == {"real patients": 0.2, "shipped": {"a.png": 0.3}}
    path.write_text(json.dumps(CARD | {"fresh": "many"}))
    with pytest.raises(CardError, match=r"card\.json breaks its rules: fresh"):
        samples.card(root)


def test_the_card_of_the_samples_is_no_models_card(root: Path):
    (root / "samples" / "card.json").write_text("{}")
    assert cards.every(root) == ()
    assert cards.broken(root) == {}


def test_the_public_film_is_read_where_its_package_is_installed():
    film = samples.public_film()
    if film is None:
        pytest.skip("pydicom-data is not installed")
    scan = images.read(samples.read(film), film.name)
    assert not film.synthetic
    assert scan.modality == "CR"
    assert scan.acquisition["PhotometricInterpretation"] == "MONOCHROME1"


def test_without_its_package_there_is_no_public_film(monkeypatch: pytest.MonkeyPatch):
    def missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(samples, "distribution", missing)
    assert samples.public_film() is None


@pytest.mark.parametrize("sample", samples.every(), ids=lambda sample: sample.path.name)
def test_what_ships_is_as_listed(sample: samples.Sample):
    scan = images.read(samples.read(sample), sample.name)
    assert scan.pixels.shape == (224, 224)
    assert scan.colour_share == 0


def test_a_reading_of_other_weights_or_another_file_is_passed_over():
    reading = readings.every()[0]
    card = cards.read(reading.card)
    assert isinstance(card, Card)
    assert readings.of(card, reading.digest) == reading
    assert readings.of(replace(card, sha256="0" * 64), reading.digest) is None
    assert readings.of(card, "0" * 64) is None
