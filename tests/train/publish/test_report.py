"""Every card comes to its figures in one way, and they are those of the scores beside it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import cards, names
from core.card_types import Card, Scores
from core.detectors import Sharpness
from core.evaluation import openings, thresholds
from core.evaluation.binary import evaluate
from core.models import CNN
from core.types import InputSpec
from tests.phantoms.chest import chest, png
from train.data.datasets import Case
from train.data.sources import SOURCES
from train.data.tasks import TASKS, Task
from train.publish import classifier_card, detector_card, report
from train.publish.provenance import Trained

SPEC = InputSpec(size=64, channels=1, mean=(0.5,), std=(0.25,), region="whole")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Drawn films: ten of either label on either side, and one to learn from that is not scored."""
    folder = tmp_path_factory.mktemp("films")
    found = []
    for place, split in enumerate([*["validation"] * 20, *["test"] * 20, "train"]):
        label = ("normal", "pneumonia")[place % 2]
        path = folder / f"{place}.png"
        path.write_bytes(png(chest(96, opacity=0.3 * (place % 2), seed=place)))
        found.append(Case(path, path.name, label, str(place), split))
    return found


def classifier(cases: Sequence[Case], task: Task) -> report.Draft:
    torch.manual_seed(0)
    network = CNN(width=4, classes=len(task.labels)).eval()
    trained = Trained(
        card_id="small-cnn",
        model="cnn",
        arguments={"width": 4, "classes": len(task.labels)},
        input=SPEC,
        network=network,
        cases=cases,
    )
    return report.pack(classifier_card.draft_classifier_card(trained, task, "Small"), network)


def detector(cases: Sequence[Case]) -> report.Draft:
    network = Sharpness(size=64)
    trained = Trained(
        card_id="chest-detail",
        model="detail",
        arguments={"size": 64},
        input=replace(SPEC, mean=(0.0,), std=(1.0,), region="lungs"),
        network=network,
        cases=cases,
    )
    return report.pack(detector_card.draft_detector_card(trained, SOURCES["chest"]), network)


def assert_follows(card: Card, table: Scores) -> None:
    """Exactly, not nearly: the card was measured on what the file says."""
    abnormal, split = np.array(table.label) != card.labels[0], np.array(table.split)
    held = split == "validation"
    assert card.threshold == thresholds.choose(card.policy, abnormal[held], table.score[held])
    for name in ("validation", "test"):
        rows = split == name
        again = evaluate(
            name,
            abnormal[rows],
            table.score[rows],
            points={card.policy.name: card.threshold},
            probabilistic=card.kind == "classifier",
        )
        assert card.report[name] == again


@pytest.mark.parametrize("kind", ["classifier", "detector"])
def test_the_figures_of_a_card_are_those_of_its_scores(kind: str, cases: list[Case], tmp_path: Path):
    draft = classifier(cases, TASKS["pneumonia"]) if kind == "classifier" else detector(cases)
    scores = report.score_cases(draft, cases, tmp_path)
    report.publish_card(draft, scores, tmp_path)
    card = cards.read(draft.card.id, tmp_path)
    assert isinstance(card, Card)
    table = cards.scores(card, tmp_path)
    assert table.case == tuple(case.name for case in cases if case.split != "train")
    assert cards.weights(card, tmp_path) == draft.data
    assert_follows(card, table)
    (look,) = openings.read(card.id, tmp_path)
    assert (look.split, look.source) == (openings.TEST, openings.RECORDED)
    assert openings.measured(card, tmp_path)


@pytest.mark.parametrize("kind", ["classifier", "detector"])
def test_scores_with_more_digits_than_the_file_do_not_reach_the_card(
    kind: str, cases: list[Case], tmp_path: Path
):
    """All cases but one tie in the file alone, so that figures of the longer numbers are other figures."""
    draft = classifier(cases, TASKS["pneumonia"]) if kind == "classifier" else detector(cases)
    held = [case for case in cases if case.split != "train"]
    raw = np.array([0.5 + (1e-8 if case.label == "pneumonia" else 0) for case in held])
    raw[::20] = 0.25
    classes = draft.card.labels if kind == "classifier" else ()
    table = Scores(
        split=tuple(case.split for case in held),
        case=tuple(case.name for case in held),
        label=tuple(case.label for case in held),
        score=raw,
        probabilities={name: raw if name != "normal" else 1 - raw for name in classes},
    )
    card = report.publish_card(draft, table, tmp_path)
    assert card.report["test"].auc < 0.6  # of the longer numbers: 1
    assert_follows(card, cards.scores(card, tmp_path))


def test_a_card_of_more_classes_comes_with_its_binary_reading(cases: list[Case], tmp_path: Path):
    agents = ("bacterial", "viral")
    told = [
        case if case.label == "normal" else replace(case, label=agents[int(case.patient) // 2 % 2])
        for case in cases
    ]
    task = TASKS["etiology"]
    draft = classifier(told, task)
    network = CNN(width=4, classes=3).eval()
    classifier_card.publish_classifier(replace(draft.card, id="etiology-small"), network, told, tmp_path)
    first, second = (cards.read(name, tmp_path) for name in ("etiology-small", "pneumonia-small"))
    assert isinstance(first, Card)
    assert isinstance(second, Card)
    assert second.labels == ("normal", "pneumonia")
    tables = [cards.scores(card, tmp_path) for card in (first, second)]
    assert tables[0].score.tolist() == tables[1].score.tolist()
    for card, table in zip((first, second), tables, strict=True):
        assert_follows(card, table)


def test_a_detector_is_measured_on_the_scores_of_its_card(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)  # films that were read are kept in runs/
    card = detector(cases).card
    detector_card.publish_detector(card, Sharpness(size=64), SOURCES["chest"], cases, tmp_path)
    written = cards.read(card.id, tmp_path)
    assert isinstance(written, Card)
    table = cards.scores(written, tmp_path)
    assert_follows(written, table)
    normals = table.score[(np.array(table.label) == "normal") & (np.array(table.split) == "test")]
    assert written.figures[names.REALISED_FPR] == np.mean(normals >= written.threshold)
    assert written.scales["map"] > 0
    assert {names.AUROC_DRAWN_LESIONS, names.MEMORY_MB, names.YARDSTICK_CORRELATION} <= set(written.figures)


def spread_scores(normal: Sequence[float], abnormal: Sequence[float]) -> dict[str, Sequence[float]]:
    return {"normal": normal, "pneumonia": abnormal}


def table_of(splits: dict[str, dict[str, Sequence[float]]]) -> Scores:
    rows = [
        (s, f"{s}-{label}-{n}", label, x)
        for s, sides in splits.items()
        for label, xs in sides.items()
        for n, x in enumerate(xs)
    ]
    split, case, label, score = (tuple(column) for column in zip(*rows, strict=True))
    return Scores(
        split, case, label, np.array(score), {"normal": 1 - np.array(score), "pneumonia": np.array(score)}
    )


def test_the_threshold_is_chosen_on_validation_whatever_the_test_says(cases: list[Case]):
    card = classifier(cases, TASKS["pneumonia"]).card
    held = spread_scores((0.1, 0.2, 0.3, 0.4), (0.6, 0.7, 0.8, 0.9))
    thresholds_of = [
        report.with_report(card, table_of({"validation": held, "test": test})).threshold
        for test in (spread_scores((0.1, 0.2), (0.8, 0.9)), spread_scores((0.85, 0.95), (0.05, 0.9)))
    ]
    assert thresholds_of == [0.5, 0.5]  # the middle of the gap
    moved = spread_scores((0.4, 0.5, 0.6, 0.65), (0.7, 0.8, 0.85, 0.95))
    other = report.with_report(card, table_of({"validation": moved, "test": held}))
    assert other.threshold == pytest.approx(0.675)


def test_shift_is_test_less_validation(cases: list[Case]):
    card = classifier(cases, TASKS["pneumonia"]).card
    table = {
        "validation": spread_scores((0.1, 0.2, 0.3, 0.4), (0.6, 0.7, 0.8, 0.9)),
        "test": spread_scores((0.1, 0.2, 0.7, 0.8), (0.6, 0.65, 0.3, 0.9)),
    }
    done = report.with_report(card, table_of(table))
    assert done.threshold == 0.5
    assert done.report["validation"].auc == 1
    assert done.shift["sensitivity"] == pytest.approx(-0.25)
    assert done.shift["specificity"] == pytest.approx(-0.5)
    assert done.shift["auc"] == pytest.approx(done.report["test"].auc - 1)
    assert done.shift["normals_ks"] == 0.5


def test_a_table_is_scored_from_the_files_themselves(cases: list[Case], tmp_path: Path):
    draft = classifier(cases, TASKS["pneumonia"])
    whole = report.score_cases(draft, cases, tmp_path)
    assert set(whole.split) == {"validation", "test"}
    some = report.score_cases(draft, [*cases[5:10], *cases[20:]], tmp_path)
    assert some.case[:5] == whole.case[5:10]
    assert some.score[:5].tolist() == whole.score[5:10].tolist()
    assert np.allclose(whole.score, whole.probabilities["pneumonia"], atol=1e-6)
