"""Sessions share one network: maps drawn at once are the maps drawn alone."""

import threading

import pytest
import torch

from core.explainers import EXPLAINERS
from core.models import MODELS, Classifier
from core.models.cnn import CNN

THREADS, MAPS = 8, 50
BRIEF = {
    "score-cam": {"channels": 4},
    "occlusion": {"window": 32, "stride": 32},
    "integrated-gradients": {"steps": 3},
}


def wrong_maps(model: Classifier, method: str, side: int, maps: int) -> int:
    """How many of THREADS * maps maps differ in any byte from those of one thread."""
    torch.set_num_threads(1)  # here and in all threads below: of another number the last bits would differ
    generator = torch.Generator().manual_seed(0)
    scans = [torch.rand(1, 1, side, side, generator=generator) for _ in range(THREADS)]
    explain, options = EXPLAINERS[method], BRIEF.get(method, {})
    alone = [explain(model, x, 1, **options) for x in scans]
    assert len({heat.numpy().tobytes() for heat in alone}) == THREADS  # else the test would prove nothing
    wrong: list[int] = []
    start = threading.Barrier(THREADS)

    def draw(index: int) -> None:
        start.wait()
        for number in range(maps):
            one = (index + number) % THREADS
            if explain(model, scans[one], 1, **options).numpy().tobytes() != alone[one].numpy().tobytes():
                wrong.append(one)

    threads = [threading.Thread(target=draw, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


@pytest.mark.parametrize("method", sorted(EXPLAINERS))
def test_eight_threads_draw_fifty_maps_each_without_a_wrong_byte(method: str):
    torch.manual_seed(0)
    model = CNN(width=8).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert wrong_maps(model, method, 64, MAPS) == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())
    assert not model.training


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_networks_that_work_in_place_are_as_safe(name: str):
    torch.manual_seed(0)
    model = MODELS[name]().eval().requires_grad_(False)
    assert wrong_maps(model, "grad-cam++", 64, 3) == 0
