import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import cards, inference
from core.errors import CardError, UnknownName
from core.explainers import FAST, SLOW
from core.inference import Model
from core.reading import images
from core.types import Prediction, Scan, is_abnormal, verdict_of
from tests.core.explainers.brief import BRIEF

CLASSIFIERS = [card.id for card in cards.every() if card.kind == "classifier"]
EXPLAINED = [name for name in CLASSIFIERS if not cards.read(name).yardstick]  # those look at no place
EACH_NETWORK = {cards.read(name).model: name for name in EXPLAINED}.values()  # one card of each architecture
DETECTORS = [card.id for card in cards.every() if card.kind == "detector"]


@pytest.mark.parametrize("card_id", CLASSIFIERS)
def test_a_classifier_gives_probabilities_that_sum_to_one(card_id: str, drawn: Scan):
    prediction = inference.classify(inference.load(card_id), drawn)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    normal = inference.load(card_id).card.labels[0]
    assert prediction.score == pytest.approx(1 - prediction.probabilities[normal], abs=1e-6)


@pytest.mark.parametrize("card_id", DETECTORS)
def test_a_detector_gives_maps_in_the_scans_geometry(card_id: str, drawn: Scan):
    model = inference.load(card_id)
    result = inference.detect(model, drawn)
    assert result.map.shape == drawn.pixels.shape
    assert (result.map >= 0).all()
    if result.reconstruction is not None:
        seen = inference.as_seen(model, drawn)
        assert np.array_equal(np.isnan(seen), np.isnan(result.reconstruction))


@pytest.fixture(scope="module", params=EXPLAINED)
def explained(request: pytest.FixtureRequest) -> Model:
    return inference.load(request.param)


def test_fast_methods_explain_every_card_and_slow_ones_each_network(explained: Model, drawn: Scan):
    label = explained.card.labels[-1]
    maps = inference.explain_fast(explained, drawn, label=label)
    methods = explained.card.scales.keys()
    assert set(maps) == methods & FAST.keys() != set()
    for method in methods & SLOW.keys() if explained.card.id in EACH_NETWORK else ():
        arguments = BRIEF.get(method)
        maps[method] = inference.explain(explained, drawn, method=method, label=label, arguments=arguments)
    for method, explanation in maps.items():
        assert explanation.method == method
        assert explanation.heatmap.shape == drawn.pixels.shape
        assert explanation.scale == explained.card.scales[method] > 0


@pytest.mark.parametrize("method", sorted(FAST))
@pytest.mark.parametrize("card_id", ["pneumonia-cnn", "pneumonia-ensemble"])
def test_a_map_drawn_alone_is_the_one_drawn_with_others(card_id: str, method: str, drawn: Scan):
    model = inference.load(card_id)
    alone = inference.explain(model, drawn, method=method, label="pneumonia")
    together = inference.explain_fast(model, drawn, label="pneumonia")[method]
    assert np.array_equal(alone.heatmap, together.heatmap)
    assert (alone.scale, alone.unit) == (together.scale, together.unit)


@pytest.mark.parametrize("scale", ["0.0", "NaN"])
def test_a_scale_that_scales_nothing_draws_no_black_picture(scale: str, drawn: Scan, tmp_path: Path):
    shutil.copytree(cards.WEIGHTS / "pneumonia-cnn", tmp_path / "pneumonia-cnn")
    path = tmp_path / "pneumonia-cnn" / "card.json"
    text = json.loads(path.read_text())
    text["scales"]["grad-cam"] = "here"
    path.write_text(json.dumps(text).replace('"here"', scale))
    model = inference.load("pneumonia-cnn", tmp_path)
    with pytest.raises(CardError, match="no scale for grad-cam"):
        inference.explain(model, drawn, method="grad-cam", label="pneumonia")
    assert inference.explain(model, drawn, method="layer-cam", label="pneumonia").scale > 0


def test_the_same_scan_gets_the_same_answer_twice(drawn: Scan):
    model = inference.load(CLASSIFIERS[0])
    assert inference.classify(model, drawn).score == inference.classify(model, drawn).score


def test_a_blurred_scans_score_is_where_a_deletion_curve_ends(drawn: Scan):
    model = inference.load(CLASSIFIERS[0])
    label = model.card.labels[-1]
    seen = inference.explain_fast(model, drawn, label=label)["grad-cam"]
    (*_, end) = inference.faithfulness(model, drawn, seen).deletion.y
    blurred = inference.classify_blurred(model, drawn)
    assert blurred.probabilities[label] == pytest.approx(end, abs=1e-4)
    assert blurred.score != inference.classify(model, drawn).score


def test_verdict_is_abnormal_from_the_threshold_on():
    assert Prediction({}, 0.5, 0.5).verdict == "abnormal"
    assert Prediction({}, 0.49, 0.5).verdict == "normal"


def test_a_score_at_the_threshold_is_abnormal_alone_and_among_others():
    below, at = np.nextafter(0.3, 0), 0.3
    assert is_abnormal(at, at)
    assert not is_abnormal(float(below), at)
    assert is_abnormal(np.array([[below, at]]), at).tolist() == [[False, True]]
    assert (verdict_of(at, at), verdict_of(float(below), at)) == ("abnormal", "normal")


def test_wrong_names_are_answered_with_the_right_ones(drawn: Scan):
    model = inference.load(CLASSIFIERS[0])
    with pytest.raises(UnknownName, match="grad-cam"):
        inference.explain(model, drawn, method="gradcam", label="pneumonia")
    with pytest.raises(UnknownName, match="normal, pneumonia"):
        inference.explain(model, drawn, method="grad-cam", label="sick")
    with pytest.raises(UnknownName, match="Choose a detector"):
        inference.detect(model, drawn)
    with pytest.raises(UnknownName, match="finds lungs"):
        inference.load("lung-fields")


def test_nothing_is_left_on_a_shared_network(drawn: Scan):
    model = inference.load(CLASSIFIERS[0])
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    inference.explain(model, drawn, method="grad-cam", label=model.card.labels[-1])
    assert not model.network.training
    for name, value in model.network.state_dict().items():
        assert (value == before[name]).all()
    for parameter in model.network.parameters():
        assert parameter.grad is None
        assert not parameter.requires_grad
    assert all(not module._forward_hooks for module in model.network.modules())


@pytest.mark.parametrize("card_id", CLASSIFIERS + DETECTORS)
def test_the_app_reproduces_the_cards_test_scores(card_id: str, data: Path):
    model = inference.load(card_id)
    table = cards.scores(model.card)
    rows = [i for i, split in enumerate(table.split) if split == "test"][::25]
    tolerance = 1e-3 * max(float(np.ptp(table.score)), 1.0)  # detectors' scores have no upper end
    for i in rows:
        sets = (data / "chest_xray", data / "brain_mri", data)
        path = next(folder / table.case[i] for folder in sets if (folder / table.case[i]).is_file())
        score = inference.judge(model, images.read(path.read_bytes(), path.name)).score
        assert score == pytest.approx(table.score[i], abs=tolerance)
