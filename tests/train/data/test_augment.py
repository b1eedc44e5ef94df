import pytest
import torch

from train.data import augment


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


X = torch.rand(16, 1, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "change",
    [augment.random_flip, augment.random_exposure, augment.random_acquisition, augment.random_erasing],
)
def test_a_change_keeps_the_shape_and_the_original(change):
    before = X.clone()
    changed = change(X, generator())
    assert changed.shape == X.shape
    assert torch.isfinite(changed).all()
    assert torch.equal(X, before)
    assert not torch.equal(changed, X)
    assert torch.equal(changed, change(X, generator()))


def test_boxes_move_within_their_bounds():
    boxes = torch.tensor([[0.2, 0.3, 0.8, 0.7]]).expand(500, 4)
    moved, angle = augment.jitter_boxes(boxes, generator(), shift=0.05, zoom=0.1, turn=10)
    height = moved[:, 2] - moved[:, 0]
    assert (height - 0.6).abs().max() <= 0.06 + 1e-6
    assert ((moved[:, 0] + moved[:, 2]) / 2 - 0.5).abs().max() <= 0.03 + 1e-6
    assert angle.abs().max() <= torch.pi / 18 + 1e-6


def test_one_lung_turns_opaque_and_the_other_stays():
    film = torch.full((1, 1, 64, 64), 0.3)
    film[..., :20] = 0.9
    mask = torch.zeros_like(film)
    mask[..., 20:50, 24:34], mask[..., 20:50, 44:54] = 1, 1
    opaque = augment.random_white_out(film, mask, generator(), chance=1.0)
    change = (opaque - film).abs()
    sides = sorted([float(change[..., 20:50, 24:34].mean()), float(change[..., 20:50, 46:54].mean())])
    assert sides[1] > 0.1
    assert sides[0] < 0.05
