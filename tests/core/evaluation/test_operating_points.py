import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from core.card_types import Card, Policy, Training
from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.operating_points import NamedPoint, export, layer, read
from core.types import InputSpec

CARD = Card(
    id="chest-a",
    title="Chest A",
    task="pneumonia",
    modality="CR",
    model="cnn",
    arguments={},
    input=InputSpec(size=8, channels=1, mean=(0.5,), std=(0.25,), region="whole"),
    labels=("normal", "pneumonia"),
    threshold=0.5,
    policy=Policy("youden"),
    training=Training("train", {}, (), 0.0, 1),
    data={},
    intended_use="tests",
    limitations=(),
    licence="MIT",
    seed=0,
    commit="c",
    sha256="aa",
    kind="classifier",
    report={},
    scales={},
    shift={},
)
POINT = NamedPoint(
    name="ward",
    card="chest-a",
    sha256="aa",
    policy="target-sensitivity",
    arguments={"target": 0.95},
    split="validation",
    threshold=0.1234567890123,
    created="2026-01-02T03:04:05+00:00",
)


def tied(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, n)
    return labels, np.round(rng.normal(labels, 1.0), 1)


def test_a_layer_counts_what_scikit_learn_counts_with_ties():
    labels, scores = tied()
    counted = layer(labels, scores)
    fpr, tpr, at = roc_curve(labels, scores, drop_intermediate=False)
    assert counted.at.tolist() == at[1:].tolist()
    assert np.allclose(counted.true_positives / counted.abnormal, tpr[1:])
    assert np.allclose(counted.false_positives / counted.normal, fpr[1:])
    assert counted.auc == pytest.approx(roc_auc_score(labels, scores))
    assert counted.auc_interval[0] < counted.auc < counted.auc_interval[1]


def test_the_band_holds_the_curve_and_is_thin():
    labels, scores = tied(2000)
    counted = layer(labels, scores)
    band = counted.band
    assert len(band.low) == len(band.high) == len(band.false_positive_rate) <= 200
    fpr, tpr, _ = roc_curve(labels, scores)
    # the curve between the cuts, as the band has it: no more false alarms than allowed
    reached = tpr[np.searchsorted(fpr, band.false_positive_rate + 1e-9, side="right") - 1]
    assert np.mean((band.low <= reached) & (reached <= band.high)) > 0.9
    assert (np.diff(band.low) >= 0).all()


def test_a_layer_is_the_same_each_time_and_its_digest_tells_sets_apart():
    labels, scores = tied()
    one, two = layer(labels, scores), layer(labels, scores)
    assert one.digest == two.digest
    assert one.band.low.tolist() == two.band.low.tolist()
    assert layer(labels, scores + 1).digest != one.digest


def test_a_layer_needs_both_classes():
    with pytest.raises(NotEnoughLabels):
        layer([1, 1], [0.2, 0.3])


def test_points_survive_the_file_exactly():
    other = replace(POINT, name="night", policy="manual", arguments={}, created="")
    assert read(export([POINT, other]), CARD) == (POINT, other)


def test_the_file_is_plain_json_with_what_a_reader_needs():
    (row,) = json.loads(export([POINT]))
    assert row["card"] == "chest-a"
    assert row["sha256"] == "aa"
    assert row["threshold"] == POINT.threshold
    assert row["split"] == "validation"


def test_a_point_of_another_card_is_refused_with_the_way_out():
    with pytest.raises(OpacityError, match=r"'ward' was made for card 'chest-b'.*choose 'chest-b'"):
        read(export([replace(POINT, card="chest-b")]), CARD)


def test_nobody_is_sent_to_a_retired_card():
    with pytest.raises(
        OpacityError, match=r"was made for card 'chest-air'.*mean something else: make the point"
    ):
        read(export([replace(POINT, card="chest-air")]), CARD)


def test_a_point_of_other_weights_is_refused_with_the_reason():
    with pytest.raises(OpacityError, match=r"other weights of 'chest-a' \(sha256 differs\).*make it again"):
        read(export([replace(POINT, sha256="bb")]), CARD)


def test_two_points_of_one_name_are_refused():
    with pytest.raises(OpacityError, match="2 operating points are named 'ward'"):
        read(export([POINT, POINT]), CARD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "{}",
        "[]",
        '[{"name": "x"}]',
        export([POINT]).replace("0.1234567890123", "NaN"),
        export([POINT]).replace("0.1234567890123", '"high"'),
        export([POINT]).replace('"ward"', '""'),
        b"\xff\xfe",
    ],
)
def test_a_malformed_file_gives_one_sentence(text):
    with pytest.raises(OpacityError) as caught:
        read(text, CARD)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "exporting."))


def test_a_refer_band_travels_with_its_threshold_and_never_lies_below_it():
    banded = replace(POINT, upper=0.6)
    assert read(export([banded]), CARD) == (banded,)
    with pytest.raises(OpacityError, match=r"refers scans up to 0\.05, below its threshold"):
        read(export([replace(POINT, upper=0.05)]), CARD)
