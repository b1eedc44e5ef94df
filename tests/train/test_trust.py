"""The trust table, of a network whose one reason is known: fine detail in the upper left quarter."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import cards
from core.card_types import Card, Scores
from core.detectors import Sharpness
from core.errors import UnknownName
from core.explainers import trust as measures
from core.inference import Model
from core.models import Classifier
from core.types import InputSpec, LungFields
from tests.phantoms.chest import chest, png
from train import trust
from train.data.datasets import Case, evenly_spaced
from train.trust import ScanTrust, Subsampling

SPEC = InputSpec(size=64, channels=1, mean=(0.5,), std=(0.25,), region="whole")
CLASSIFIERS = [card for card in cards.every() if card.kind == "classifier" and len(card.labels) == 2]


class Quarter(Classifier):
    """P(1) rises with fine detail in one quarter: blurred, nothing of it is left."""

    def __init__(self, *, upper: bool = True) -> None:
        super().__init__()
        self.rows = slice(0, 32) if upper else slice(32, 64)
        self.less_mean = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        self.last = nn.Linear(1, 2)
        with torch.no_grad():
            self.less_mean.weight.fill_(-1 / 9)[0, 0, 1, 1] += 1
            self.last.weight.copy_(torch.tensor([[0.0], [25.0]]))
            self.last.bias.copy_(torch.tensor([1.0, 0.0]))

    def features(self, x: Tensor) -> Tensor:
        return self.less_mean(x)

    def head(self, f: Tensor) -> Tensor:
        detail = f[:, 0, self.rows, :32].square().mean((1, 2))
        return self.last(detail[:, None])


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Grainy films, eight on either side; those called abnormal have twice the grain."""
    folder, found = tmp_path_factory.mktemp("films"), []
    for n in range(16):
        label = ("normal", "pneumonia")[n // 4 % 2]
        grain = np.random.default_rng(n).normal(size=(64, 64)) * (0.06 if label == "pneumonia" else 0.03)
        path = folder / f"{n}.png"
        path.write_bytes(png(np.clip(chest(64, seed=n) + grain, 0, 1).astype(np.float32)))
        found.append(Case(path, path.name, label, str(n), "validation" if n < 8 else "test"))
    return found


def quarter_model() -> Model:
    if not CLASSIFIERS:
        pytest.skip("no classifier in weights/")
    card = replace(CLASSIFIERS[0], input=SPEC, scales={}, trust={})
    return Model(card, Quarter().eval().requires_grad_(False))


def lungs_are(monkeypatch: pytest.MonkeyPatch, mask: np.ndarray) -> None:
    fields = LungFields(mask, (0.0, 0.0, 1.0, 1.0), float(mask.mean()), 0.95, (0.2, 0.2))
    monkeypatch.setattr(trust.lungs, "find", lambda _: fields)


def test_a_map_of_the_reason_deletes_early_inserts_early_and_lies_where_the_reason_is(
    cases: list[Case], monkeypatch: pytest.MonkeyPatch
):
    left = np.zeros((64, 64), dtype=bool)
    left[:, :40] = True
    model = quarter_model()
    unchanged = dict.fromkeys(measures.STAGES, model.network)
    lungs_are(monkeypatch, left)
    row = trust.measure_scan(model, unchanged, cases[4], ["hires-cam"])["hires-cam"]
    assert row.lung_share == pytest.approx(1, abs=0.01)
    assert row.lung_area == pytest.approx(40 / 64, abs=0.05)  # their hull is a little larger
    assert row.deletion < row.random_deletion - 0.05
    assert row.insertion > row.random_insertion + 0.05
    assert row.sanity == pytest.approx(dict.fromkeys(measures.STAGES, 1.0), abs=1e-3)
    lungs_are(monkeypatch, ~left)
    row = trust.measure_scan(model, unchanged, cases[4], ["hires-cam"])["hires-cam"]
    assert row.lung_share == pytest.approx(0, abs=0.01)


def test_a_network_with_another_reason_has_another_map(cases: list[Case]):
    other = Quarter(upper=False).eval().requires_grad_(False)
    stages = dict.fromkeys(measures.STAGES, other)
    row = trust.measure_scan(quarter_model(), stages, cases[4], ["hires-cam"])["hires-cam"]
    assert max(row.sanity.values()) < 0.1


def test_scales_are_of_validation_and_trust_is_of_test(cases: list[Case], monkeypatch: pytest.MonkeyPatch):
    model = quarter_model()
    score = np.linspace(0, 1, len(cases))
    columns = zip(*((case.split, case.name, case.label) for case in cases), strict=True)
    table = Scores(*columns, score, dict(zip(model.card.labels, (1 - score, score), strict=True)))
    monkeypatch.setattr(cards, "scores", lambda _: table)
    seen: list[str] = []
    read = trust.load_aligned
    monkeypatch.setattr(trust, "load_aligned", lambda m, case: seen.append(case.split) or read(m, case))
    wanted = Subsampling(scans=8, slow_every=2, wanted=("hires-cam", "occlusion"))
    known = {case.name: case for case in cases}
    card = trust.measure_trust(model, known, wanted, workers=2)
    assert {name: row.n for name, row in card.trust.items()} == {"hires-cam": 8, "occlusion": 4}
    peaks = [
        trust.map_maxima(model, case, ["hires-cam"])["hires-cam"]
        for case in cases
        if case.split == "validation"
    ]
    assert card.scales["hires-cam"] == pytest.approx(np.quantile(peaks, trust.SCALE_QUANTILE))
    assert card.trust["hires-cam"].normal_heat < 1  # half the grain
    assert set(seen) == {"validation", "test"}


def test_slow_methods_see_one_scan_in_so_many():
    wanted = Subsampling(scans=9, slow_every=3, wanted=("grad-cam", "occlusion"))
    assert [wanted.methods(index) for index in range(3)] == [["grad-cam", "occlusion"], *[["grad-cam"]] * 2]
    assert wanted.methods(4, slow_every=4) == ["grad-cam", "occlusion"]


def test_a_map_without_heat_counts_for_no_lung_share():
    row = ScanTrust(0.5, 0.3, 0.1, 0.9, 0.4, 0.6, dict.fromkeys(measures.STAGES, 0.2), 1.0)
    mean = trust.average_rows([row, replace(row, lung_share=None, deletion=0.3, seconds=3.0)], 0.7)
    assert (mean.n, mean.lung_share, mean.seconds, mean.normal_heat) == (2, 0.5, 2.0, 0.7)
    assert mean.deletion == pytest.approx(0.2)
    assert trust.average_rows([replace(row, lung_share=None)], 0.7).lung_share == 0


def test_maps_that_are_cold_everywhere_tell_nothing_apart():
    assert trust.heat_ratio(np.array([1.0, np.nan]), np.array([4.0])) == 0.25
    assert trust.heat_ratio(np.zeros(2), np.zeros(2)) == 1.0


@pytest.mark.filterwarnings("error")
def test_maps_of_one_class_alone_tell_nothing_apart():
    shown, missing = np.array([2.0]), np.array([np.nan])
    assert [trust.heat_ratio(*pair) for pair in ((shown, missing), (missing, shown))] == [1.0, 1.0]
    assert trust.heat_ratio(shown, np.array([])) == 1.0


def test_a_detector_has_no_heat_maps_to_trust():
    model = quarter_model()
    with pytest.raises(UnknownName, match="is a detector"):
        trust.explainable_network(Model(model.card, Sharpness(size=64)))


def test_the_table_is_printed_with_the_method_that_opens(capsys: pytest.CaptureFixture[str]):
    trusted = [card for card in CLASSIFIERS if card.trust]
    card: Card = trusted[0]
    trust.print_trust_table(card)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{card.id}: opens with {measures.best_method(card.trust, card.localisation)}"
    assert [line.split()[0] for line in lines[2:]] == [*card.trust, "random"]


@pytest.mark.parametrize(("count", "kept"), [(1, [0]), (3, [0, 4, 9]), (99, list(range(10)))])
def test_scans_are_taken_evenly_along_the_list(count: int, kept: list[int]):
    assert evenly_spaced(range(10), count) == kept
