"""The readout beside a map, on maps whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from core.card_types import Localisation
from core.explainers import grad_cam, trust
from core.models.base import Classifier
from core.models.cnn import CNN
from core.types import Curve, Frame, Trust


class Quarter(Classifier):
    """P(1) rises with what the upper left quarter holds beyond a flat film."""

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, f: Tensor) -> Tensor:
        side = f.shape[-1] // 2
        detail = f[:, 0, :side, :side].square().mean((1, 2))
        return torch.stack([torch.full_like(detail, 2.0), 8 * detail], dim=1)


@pytest.fixture(scope="module")
def film() -> Tensor:
    """Fine noise: blurred, nothing of it is left."""
    return torch.randn(1, 1, 64, 64, generator=Generator().manual_seed(0))


def quarter(*, hot: bool) -> Tensor:
    heat = torch.zeros(64, 64)
    heat[:32, :32] = 1.0
    return heat if hot else 1 - heat


def test_the_share_inside_is_of_the_heat():
    heat = np.array([[3.0, 1.0], [0.0, 0.0]], dtype=np.float32)
    mask = np.array([[True, False], [True, True]])
    assert trust.inside_share(heat, mask) == pytest.approx(0.75)
    assert trust.inside_share(heat * 0, mask) is None


def test_rank_correlation_asks_for_the_order_alone():
    heat = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    assert trust.rank_correlation(heat, heat) == pytest.approx(1)
    assert trust.rank_correlation(heat, -heat) == pytest.approx(-1)
    assert trust.rank_correlation(heat, heat * 5 + 2) == pytest.approx(1, abs=1e-3)
    assert trust.rank_correlation(heat, np.ones_like(heat)) == 0


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 9, (32, 32)).astype(np.float32) for _ in range(2))
    assert trust.rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel())[0])


def test_maps_of_different_grids_can_be_compared():
    coarse = torch.arange(16.0).view(4, 4)
    fine = torch.nn.functional.interpolate(coarse[None, None], size=(80, 80), mode="bilinear")[0, 0]
    assert trust.rank_correlation(coarse, fine) > 0.98


def test_three_methods_that_share_their_hottest_places_agree_there():
    rows = np.linspace(0, 1, 40, dtype=np.float32)[:, None].repeat(40, 1)
    shared = trust.agreement(
        {"a": rows, "b": rows**2, "c": rows**3, "d": 1 - rows}, Frame(box=(0, 0, 40, 40), shape=(40, 40))
    )
    assert shared.pairs["a", "b"] == pytest.approx(1, abs=1e-3)
    assert shared.pairs["a", "d"] == pytest.approx(-1, abs=1e-3)
    assert len(shared.pairs) == 6
    assert (shared.together[36:] == 3).all()
    assert not shared.together[:36].any()


def test_two_methods_are_too_few_to_agree_and_nothing_outside_the_frame_counts():
    heat = np.ones((20, 20), dtype=np.float32)
    frame = Frame(box=(5, 5, 15, 15), shape=(20, 20))
    assert not trust.agreement({"a": heat, "b": heat}, frame).together.any()
    three = trust.agreement(dict.fromkeys("abc", heat), frame).together
    assert three[5:15, 5:15].all()
    assert three.sum() == 3 * 100


def test_cold_places_never_agree():
    frame = Frame(box=(0, 0, 9, 9), shape=(9, 9))
    assert not trust.agreement(dict.fromkeys("abc", np.zeros((9, 9), np.float32)), frame).together.any()


def test_a_map_of_what_matters_beats_random_ones_and_a_wrong_one_does_not(film: Tensor):
    right = trust.faithfulness(Quarter(), film, 1, quarter(hot=True))
    wrong = trust.faithfulness(Quarter(), film, 1, quarter(hot=False))
    assert right.deletion.area < right.random_deletion.area < wrong.deletion.area
    assert right.insertion.area > right.random_insertion.area > wrong.insertion.area
    assert right.random_deletion == wrong.random_deletion


def test_curves_run_from_the_film_to_nothing_and_back(film: Tensor):
    model = Quarter()
    deletion, insertion = trust.deletion_and_insertion(model, film, 1, quarter(hot=True), steps=4)
    whole = float(torch.softmax(model(film), dim=1)[0, 1])
    nothing = float(torch.softmax(model(trust.blur(film)), dim=1)[0, 1])
    assert deletion.x == (0, 0.25, 0.5, 0.75, 1)
    assert deletion.y[0] == insertion.y[-1] == pytest.approx(whole)
    assert deletion.y[-1] == insertion.y[0] == pytest.approx(nothing)
    assert deletion.y[1] == pytest.approx(nothing, abs=0.02)  # all that matters went first


def test_equally_hot_places_are_not_taken_row_by_row(film: Tensor):
    deletion, _ = trust.deletion_and_insertion(Quarter(), film, 1, torch.zeros(4, 4), steps=4)
    assert deletion.y[1] > deletion.y[2] > deletion.y[3]


def test_measuring_says_how_far_it_is(film: Tensor):
    told: list[float] = []
    trust.faithfulness(Quarter(), film, 1, quarter(hot=True), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_the_area_under_a_curve_is_by_trapezoids():
    assert Curve((0, 0.5, 1), (1, 0.5, 1)).area == pytest.approx(0.75)


@pytest.mark.parametrize("stage", trust.STAGES)
def test_randomised_copies_forget_and_the_network_does_not(stage: str):
    torch.manual_seed(0)
    model = CNN(width=8).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    films = torch.randn(4, 1, 64, 64, generator=Generator().manual_seed(0))
    other = trust.randomised(model, stage, films, Generator().manual_seed(0))
    changed = {
        name.split(".")[0] for name, value in other.state_dict().items() if (value != before[name]).any()
    }
    assert changed == ({"dense"} if stage == "head" else {"dense", "blocks"})
    assert (other.blocks[0][0][0].weight != before["blocks.0.0.0.weight"]).any() == (stage == "all")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(not parameter.requires_grad for parameter in model.parameters())
    assert not other.training
    assert other.features(films).std() > 1e-3  # it still sees something
    assert grad_cam(other, films[:1], 1).shape == grad_cam(model, films[:1], 1).shape


def test_an_unknown_stage_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="head, half, all"):
        trust.randomised(CNN(width=8), "tail", torch.zeros(2, 1, 32, 32), Generator())


ROW = Trust(
    n=100,
    lung_share=0.5,
    lung_area=0.4,
    deletion=0.6,
    insertion=0.8,
    random_deletion=0.7,
    random_insertion=0.7,
    sanity={"head": 0.1, "half": 0.1, "all": 0.0},
    normal_heat=0.5,
    seconds=0.1,
)


def test_the_best_method_has_the_widest_gap():
    assert trust.best_method({"a": ROW, "b": replace(ROW, insertion=0.9)}) == "b"
    assert trust.best_method({}) is None


def test_where_disease_is_outlined_the_map_that_finds_it_opens():
    found = Localisation(9, 0.5, (0.4, 0.6), 0.5, 0.5, (0.4, 0.6), 0.5, (0.4, 0.6), 9, choice=0.3)
    wide, blind = replace(ROW, insertion=0.9), replace(ROW, sanity={"head": 0.9, "half": 0.0, "all": 0.0})
    table = {"finds": ROW, "wide": wide, "blind": blind}
    better = {"finds": replace(found, choice=0.4), "wide": found, "blind": replace(found, choice=0.9)}
    assert trust.best_method(table, {"films": better}) == "finds"
    assert trust.best_method(table, {"films": {**better, "wide": replace(found, choice=0.5)}}) == "wide"
    assert trust.best_method(table, {"films": {"map": found}}) == "wide"  # nobody outlined for these


def test_a_method_seen_on_few_scans_does_not_open_the_page():
    hardly_seen = replace(ROW, insertion=0.9, n=ROW.n // 2 - 1)
    assert trust.best_method({"hardly seen": hardly_seen, "a": ROW}) == "a"


def test_a_map_that_ignores_the_model_or_glows_on_normals_is_not_the_best():
    blind = replace(ROW, insertion=0.9, sanity={"head": 1.0, "half": 0.0, "all": 0.0})
    glowing = replace(ROW, insertion=0.95, normal_heat=1.2)
    assert trust.best_method({"blind": blind, "glowing": glowing, "a": ROW}) == "a"
    assert trust.best_method({"blind": blind, "glowing": glowing}) == "glowing"


def test_a_map_is_unfit_from_the_cuts_on():
    assert trust.is_trustworthy(
        replace(ROW, sanity={"head": 0.49, "half": 0.0, "all": 0.0}, normal_heat=0.99)
    )
    assert not trust.is_trustworthy(replace(ROW, sanity={"head": 0.0, "half": 0.0, "all": 0.5}))
    assert not trust.is_trustworthy(replace(ROW, normal_heat=1.0))
