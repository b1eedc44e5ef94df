"""What each method computes, on networks small enough to know the answer."""

import inspect

import pytest
import torch
from torch import Tensor

from core.explainers import (
    EXPLAINERS,
    FAST,
    OPTIONS,
    SLOW,
    UNITS,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    integrated_gradients,
    layer_cam,
    occlusion,
    score_cam,
)
from core.explainers.cam import all_cams
from core.explainers.score_cam import resembled
from core.models.base import Classifier
from core.models.cnn import CNN


class TwoMaps(Classifier):
    """Features are the input; the logit of class 1 is 2 * sum(map 0) - 3 * sum(map 1)."""

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, f: Tensor) -> Tensor:
        one = 2 * f[:, 0].sum((1, 2)) - 3 * f[:, 1].sum((1, 2))
        return torch.stack([-one, one], dim=1)


class Corner(Classifier):
    """The logit of class 1 is the sum over the upper left quarter of an 8 x 8 film."""

    def features(self, x: Tensor) -> Tensor:
        return x.clone()

    def head(self, f: Tensor) -> Tensor:
        total = f[:, 0, :4, :4].sum((1, 2))
        return torch.stack([torch.zeros_like(total), total], dim=1)


MAPS = torch.tensor([[[[1.0, 0.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]]])


@pytest.fixture(scope="module")
def model() -> CNN:
    torch.manual_seed(0)
    return CNN(width=8).eval().requires_grad_(False)


@pytest.mark.parametrize("method", [grad_cam, hires_cam])
def test_grad_cam_and_hires_cam_weigh_maps_by_their_gradient(method):
    # class 1: relu(2 * map0 - 3 * map1)
    assert torch.equal(method(TwoMaps(), MAPS, 1), torch.tensor([[2.0, 0.0], [1.0, 0.0]]))
    # class 0: relu(-2 * map0 + 3 * map1)
    assert torch.equal(method(TwoMaps(), MAPS, 0), torch.tensor([[0.0, 3.0], [0.0, 1.0]]))


def test_layer_cam_leaves_falling_gradients_out():
    assert torch.equal(layer_cam(TwoMaps(), MAPS, 1), 2 * MAPS[0, 0])
    assert torch.equal(layer_cam(TwoMaps(), MAPS, 0), 3 * MAPS[0, 1])


def test_grad_cam_plus_plus_counts_the_places_that_raise_the_score():
    # class 1, map 0: gradient 2 in 4 places, sum of the map 4 -> 4 * 2 * 4 / (2 * 4 + 4 * 8)
    weight = 4 * 2 * 4 / (8 + 32)
    assert torch.allclose(grad_cam_plus_plus(TwoMaps(), MAPS, 1), weight * MAPS[0, 0])


def test_hires_cam_adds_up_to_the_logit_of_a_linear_head():
    torch.manual_seed(0)
    maps = torch.rand(1, 2, 3, 3)
    both = hires_cam(TwoMaps(), maps, 1).sum() - hires_cam(TwoMaps(), maps, 0).sum()
    assert both == pytest.approx(float(TwoMaps()(maps)[0, 1]), abs=1e-5)


def test_occlusion_is_hot_where_covering_costs_and_cold_elsewhere():
    x = torch.ones(1, 1, 8, 8)
    heat = occlusion(Corner(), x, 1, window=4, stride=4)
    assert torch.equal(heat[:4, :4], torch.full((4, 4), 16.0))
    assert heat.sum() == 16 * 16


def test_occlusion_covers_every_place_also_where_windows_do_not_fit():
    heat = occlusion(Corner(), torch.ones(1, 1, 11, 13), 1, window=4, stride=3)
    assert heat.shape == (11, 13)
    assert torch.isfinite(heat).all()


def test_integrated_gradients_add_up_to_what_the_film_changed():
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    heat = integrated_gradients(Corner(), x, 1, steps=2, patch=4)
    assert heat.shape == (2, 2)
    assert heat[0, 0] == pytest.approx(float(Corner()(x)[0, 1]), abs=1e-5)
    assert heat.sum() == pytest.approx(float(heat[0, 0]), abs=1e-6)


def test_integrated_gradients_of_a_trained_shape_are_complete(model: CNN):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    shares = [integrated_gradients(model, x, k, steps=64, patch=64).item() for k in (0, 1)]
    change = (model(x) - model(torch.zeros_like(x)))[0]
    for share, wanted in zip(shares, change.tolist(), strict=True):
        assert share == pytest.approx(max(wanted, 0), abs=1e-3)


def test_score_cam_prefers_the_map_through_which_the_score_stays():
    x = torch.zeros(1, 2, 4, 4)
    x[0, 0, :, :2], x[0, 1, :, 2:] = 1.0, 1.0  # map 0 speaks for class 1, map 1 against it
    heat = score_cam(TwoMaps(), x, 1)
    assert heat[:, :2].min() > heat[:, 2:].max()


def test_score_cam_with_few_maps_comes_close_to_all(model: CNN):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    every = score_cam(model, x, 1, channels=64)
    few = score_cam(model, x, 1, channels=8)
    assert torch.corrcoef(torch.stack([every.flatten(), few.flatten()]))[0, 1] > 0.95
    assert torch.equal(every, score_cam(model, x, 1, channels=1000))


@pytest.mark.parametrize("method", sorted(SLOW))
def test_slow_methods_say_how_far_they_are_and_end_when_told(model: CNN, method: str):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    told: list[float] = []
    heat = EXPLAINERS[method](model, x, 1, batch=4, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1
    assert torch.equal(heat, EXPLAINERS[method](model, x, 1, batch=4))

    class Cancelled(Exception):
        pass

    def cancel(share: float) -> None:
        raise Cancelled(share)

    with pytest.raises(Cancelled):
        EXPLAINERS[method](model, x, 1, batch=4, progress=cancel)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("method", sorted(SLOW))
def test_the_batch_changes_nothing(model: CNN, method: str):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    one, many = (EXPLAINERS[method](model, x, 1, batch=batch) for batch in (1, 7))
    assert torch.allclose(one, many, atol=1e-5)


def test_options_that_cannot_work_are_refused(model: CNN):
    x = torch.rand(1, 1, 64, 64)
    with pytest.raises(ValueError, match="stride <= window <= 64"):
        occlusion(model, x, 1, window=16, stride=17)
    with pytest.raises(ValueError, match="stride <= window <= 64"):
        occlusion(model, x, 1, window=65)
    with pytest.raises(ValueError, match="channels is 0"):
        score_cam(model, x, 1, channels=0)
    with pytest.raises(ValueError, match="steps is -1"):
        integrated_gradients(model, x, 1, steps=-1)


def test_every_method_has_a_unit_and_offers_its_own_defaults():
    assert set(UNITS) == set(EXPLAINERS) == set(FAST) | set(SLOW)
    assert set(OPTIONS) == set(SLOW)
    for method, options in OPTIONS.items():
        parameters = inspect.signature(EXPLAINERS[method]).parameters
        for name, option in options.items():
            assert parameters[name].default == option.default
            assert option.default in option.choices


def test_score_cam_guesses_an_untried_map_from_those_it_resembles():
    left, right = torch.zeros(2, 7, 7)
    left[:, :3] = right[:, 4:] = 1
    maps = torch.stack([left, right, 5 * left, right + 2])  # of a mask only its shape counts
    guessed = resembled(maps, torch.tensor([3.0, -1]))
    assert torch.allclose(guessed, torch.tensor([3.0, -1]), atol=1e-4)


def test_all_maps_of_a_single_pass_are_those_drawn_one_by_one(model: CNN):
    x = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(3))
    together = all_cams(model, x, 1)
    assert set(together) == set(FAST)
    for method, heat in together.items():
        assert torch.equal(heat, FAST[method](model, x, 1))
