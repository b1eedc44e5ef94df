"""Heat maps here and in the libraries, in one run: python -m benchmarks.explanations

Prints the ratios and writes its part of docs/benchmarks.md. Needs requirements-dev.txt.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version

import torch
from captum.attr import Occlusion
from pytorch_grad_cam import GradCAM, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import sections
from core import cards, checkpoints
from core.explainers import grad_cam, occlusion, score_cam
from core.explainers.occlusion import STRIDE, WINDOW
from core.explainers.score_cam import CHANNELS
from core.explainers.trust import rank_correlation
from core.models import MODELS, Classifier
from core.models.frozen import FeatureReuse, FrozenResNet50
from core.models.torchvision_nets import DenseNet121, ResNet50
from core.preprocess import align
from core.types import InputSpec, Scan
from tests.phantoms.chest import chest

HEADING = "Explanations"
SIDE, TARGET = 224, 1
NETWORKS = ("resnet50", "densenet121")
LAST_LAYERS: dict[type[Classifier], str] = {
    FrozenResNet50: "layer4",
    ResNet50: "net.layer4",
    DenseNet121: "relu",
}
SPEC = InputSpec(SIDE, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "lungs")


@dataclass(frozen=True, slots=True)
class Contest:
    """One method on one network, both ways. wanted: the ratio to reach. alike: rank correlation."""

    network: str  # and whose weights it has
    method: str
    library: str
    ours: float
    theirs: float
    alike: float
    wanted: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    contests = [contest for name in arguments.networks for contest in contests_of(name, arguments.repeat)]
    lines = report(contests, arguments.threads)
    print("\n".join(lines))
    sections.write(HEADING, lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="times a fast method is run; the best counts")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    return parser.parse_args()


def film(spec: InputSpec, seed: int = 0) -> Tensor:
    """(1, C, SIDE, SIDE): a drawn chest, nobody's picture."""
    drawn = Scan(chest(opacity=0.1, seed=seed), digest="", name="drawn")
    return align(drawn, replace(spec, size=SIDE))[0].contiguous()


def network(name: str) -> tuple[Classifier, InputSpec, str]:
    """The pneumonia card's network, how it is fed, and its id; or a network of random weights."""
    card = next((card for card in cards.every() if card.id == f"pneumonia-{name}"), None)
    if card is None:
        return settled(MODELS[name](channels=3)), SPEC, "random weights"
    found = checkpoints.network(card)
    assert isinstance(found, Classifier)
    return found, card.input, card.id


def settled(model: Classifier) -> Classifier:
    """Norms settled on a few films, so that signals have the size they have in use."""
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # a plain mean
    with torch.no_grad():
        model(torch.cat([film(SPEC, seed) for seed in range(8)]))
    return model.eval().requires_grad_(False)


def last_layer(model: Classifier) -> nn.Module:
    """What the libraries look at: the module whose output is the grid that the cut hands to the head."""
    whole = model.base_classifier() if isinstance(model, FeatureReuse) else model
    return whole.get_submodule(LAST_LAYERS[type(whole)])


def contests_of(name: str, repeat: int) -> list[Contest]:
    """Grad-CAM, Score-CAM and occlusion, each beside the library's."""
    torch.manual_seed(0)
    model, spec, weights = network(name)
    model.requires_grad_(True)  # as torchvision hands networks out; pytorch-grad-cam fails without
    x, called = film(spec), f"{name}, {weights}"
    layer = last_layer(model)
    cam, captum = f"grad-cam {version('grad-cam')}", f"captum {version('captum')}"
    swift = timed(repeat, lambda: grad_cam(model, x, TARGET), lambda: library_cam(GradCAM, model, layer, x))
    score = timed(1, lambda: score_cam(model, x, TARGET), lambda: library_cam(ScoreCAM, model, layer, x))
    covered = timed(
        2,
        lambda: captum_occlusion(model, x),
        lambda: occlusion(model, x, TARGET, window=WINDOW, stride=STRIDE),
        lambda: occlusion(model, x, TARGET, window=WINDOW, stride=STRIDE, half=True),
    )
    theirs, full, half = covered
    windows = f"Occlusion, {(-(-(SIDE - WINDOW) // STRIDE) + 1) ** 2} windows"
    return [
        compared(called, "Grad-CAM", cam, *swift, wanted=1.3),
        compared(called, f"Score-CAM, {CHANNELS} maps tried", f"{cam}, all maps", *score, wanted=10),
        compared(called, windows, captum, full, theirs, wanted=2),
        compared(called, f"{windows}, bfloat16", captum, half, theirs, wanted=2),
    ]


def timed(repeat: int, *draws: Callable[[], Tensor]) -> list[tuple[float, Tensor]]:
    """(seconds, map) of each way: the best of several turns, taken in alternation."""
    best = [float("inf")] * len(draws)
    maps = [torch.empty(0)] * len(draws)
    for _ in range(repeat):
        for index, draw in enumerate(draws):
            start = time.perf_counter()
            maps[index] = draw()
            best[index] = min(best[index], time.perf_counter() - start)
    return list(zip(best, maps, strict=True))


def compared(
    network: str,
    method: str,
    library: str,
    ours: tuple[float, Tensor],
    theirs: tuple[float, Tensor],
    *,
    wanted: float,
) -> Contest:
    alike = rank_correlation(_spread(ours[1]), _spread(theirs[1]))
    return Contest(network, method, library, ours[0], theirs[0], alike, wanted)


def _spread(heat: Tensor) -> Tensor:
    """Onto the film, as both are shown."""
    return F.interpolate(heat[None, None], size=(SIDE, SIDE), mode="bilinear")[0, 0]


def library_cam(cls: type[BaseCAM], model: nn.Module, layer: nn.Module, x: Tensor) -> Tensor:
    with cls(model, [layer]) as cam, contextlib.redirect_stderr(io.StringIO()):  # it draws a bar
        return torch.from_numpy(cam(input_tensor=x, targets=[lambda logits: logits[TARGET]])[0])


def captum_occlusion(model: nn.Module, x: Tensor) -> Tensor:
    shape, stride = (x.shape[1], WINDOW, WINDOW), (x.shape[1], STRIDE, STRIDE)
    lost: Tensor = Occlusion(model).attribute(x, target=TARGET, sliding_window_shapes=shape, strides=stride)
    return lost[0, 0].relu()


def report(contests: list[Contest], threads: int) -> list[str]:
    """The table as lines of Markdown."""
    rows = [
        f"| {c.network} | {c.method} | {c.library} | {c.ours:.3f} | {c.theirs:.3f} | "
        f"**{c.ratio:.1f}x** | {c.wanted:g}x | {c.alike:.3f} |"
        for c in contests
    ]
    return [
        f"A drawn film of {SIDE} px, {threads} threads on {sections.processor()}, torch {torch.__version__}. "
        "Seconds per map, the best of alternating turns. Made by `python -m benchmarks.explanations`.",
        "",
        "| Network, weights of | Method | Beside | Here, s | There, s | Ratio | Wanted | Rank correlation |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]


if __name__ == "__main__":
    main()
