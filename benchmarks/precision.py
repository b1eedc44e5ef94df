"""bfloat16 beside float32, with and without the instructions for it: python -m benchmarks.precision

Prints the ratios and writes its part of docs/benchmarks.md. Needs requirements.txt alone. A processor without
bfloat16 is this one with all that is newer than AVX2 held back from torch and oneDNN.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import torch
from torch.nn import functional as F
from torchvision.models import resnet18

from benchmarks import sections
from core import precision

HEADING = "Precision"
SIDE = 224
PROCESSORS = {"as it is": {}, "held to AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds for one batch. bare: torch.autocast whatever the processor. here: core.precision.half."""

    work: str
    has_bfloat16: bool
    single: float
    bare: float
    here: float


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    if arguments.child:
        print(json.dumps([asdict(timing) for timing in race(arguments.batch, arguments.repeat)]))
        return
    lines = report({name: apart(settings) for name, settings in PROCESSORS.items()}, arguments)
    print("\n".join(lines))
    sections.write(HEADING, lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=2, help="turns of each way; the best counts")
    parser.add_argument(
        "--child", action="store_true", help="print the times on the processor as told, as JSON"
    )
    return parser.parse_args()


def apart(settings: dict[str, str]) -> list[Timing]:
    """Timings of a process of its own: both libraries look at the processor once, at their start."""
    command = [sys.executable, "-m", "benchmarks.precision", *sys.argv[1:], "--child"]
    done = subprocess.run(command, env=os.environ | settings, stdout=subprocess.PIPE, check=True)
    return [Timing(**row) for row in json.loads(done.stdout)]


def race(batch: int, repeat: int) -> list[Timing]:
    """A forward pass and a training step of ResNet-18, in each precision in turn."""
    network = resnet18(num_classes=2).to(memory_format=torch.channels_last)
    x = torch.rand(batch, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)

    def forward() -> None:
        with torch.no_grad():
            network(x)

    def step() -> None:
        F.cross_entropy(network(x), torch.arange(batch) % 2).backward()

    ways: list[Callable[[], AbstractContextManager[object]]] = [
        lambda: precision.half("cpu", wanted=False),
        lambda: torch.autocast("cpu", torch.bfloat16),
        lambda: precision.half("cpu"),
    ]
    timings = []
    for name, training, work in (("forward", False, forward), ("training step", True, step)):
        network.train(training)
        best = [float("inf")] * len(ways)
        for _ in range(repeat + 1):  # the first turn sets things up
            for index, way in enumerate(ways):
                begun = time.perf_counter()
                with way():
                    work()
                best[index] = min(best[index], time.perf_counter() - begun)
        timings.append(Timing(name, precision.has_bfloat16("cpu"), *best))
    return timings


def report(found: dict[str, list[Timing]], arguments: argparse.Namespace) -> list[str]:
    """The table as lines of Markdown."""
    rows = [
        f"| {name} | {'yes' if t.has_bfloat16 else 'no'} | {t.work} | {t.single:.2f} | {t.bare:.2f} | "
        f"**{t.bare / t.single:.2f}x** | {t.here:.2f} | **{t.here / t.single:.2f}x** |"
        for name, timings in found.items()
        for t in timings
    ]
    return [
        f"ResNet-18 on {arguments.batch} scans of {SIDE} px, {arguments.threads} threads on "
        f"{sections.processor()}, torch {torch.__version__}. Seconds a batch, the best of alternating turns; "
        "ratios to float32, below 1 is faster. Held to AVX2: the same processor, all that is newer held back "
        "from torch and oneDNN. Made by `python -m benchmarks.precision`.",
        "",
        "| Processor | Has bfloat16 | Work | float32, s | Autocast regardless, s | Ratio | Here, s | Ratio |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]


if __name__ == "__main__":
    main()
