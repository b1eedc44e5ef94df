"""Films from files to scores, here and in the libraries: python -m benchmarks.screening [--data FOLDER]

Prints scans per second and the ratios, and writes its part of docs/benchmarks.md. Without --data the films
are drawn. Needs requirements-dev.txt.
"""

import argparse
import math
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as core sets it, before torch loads

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks import sections
from core import cards, checkpoints, inference
from core.anatomy import lungs
from core.batch import allocator, folders, parquet, screening
from core.batch.rows import Job, ScreeningRow
from core.batch.screening import BATCH_SIZE
from core.card_types import Card
from core.inference import Model
from core.models import Classifier
from core.preprocess import align_films
from core.resample import as_film, resize
from tests.phantoms.chest import chest, png

HEADING = "Screening"
GUIDE, COSTS = sections.REPORT.with_name("screening.md"), "What ten million films cost"
FILMS = 10_000_000
CORE_HOUR = 0.05  # US dollars: an assumption, about what clouds ask for a core of a general machine
WANTED = 0.9  # of the fastest peer
TOLERANCE = 1e-3  # of the score: a peer that strays further does something else
DRAWN, SIDE = 16, 1024  # different films, pixels

Run = Callable[[Tensor], Tensor]
Build = Callable[[nn.Module, Tensor, int], Run]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way through all films. stray: largest difference of a score from that of one scan at a time."""

    name: str
    per_second: float
    stray: float


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    allocator.keep_memory()  # for all ways; before threads start, so the peers' libraries are imported late
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.data or draw(Path(scratch))
        found = folders.files([folder])
        files = list(islice(cycle(found), options.films - options.films % BATCH_SIZE))
        lines = [
            f"{len(files)} {'real' if options.data else f'drawn {SIDE} px'} films, from file to score, "
            f"{options.threads} threads on {sections.processor()}, torch {torch.__version__}. "
            f"The best of {options.rounds} alternating rounds. Made by `python -m benchmarks.screening`.",
            "",
            *SHARED,
            "",
        ]
        for card_id in options.cards or [best_card()]:
            model = inference.load(card_id)
            ways = measure(model, files, options)
            lines += table(card_id, ways)
        costs = bill(model.card, ways[0].per_second, options.threads, files, Path(scratch) / "r.parquet")
    print("\n".join([*lines, *costs]))
    sections.write(HEADING, lines)
    sections.write(COSTS, costs, GUIDE)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of chest films; drawn ones if left out")
    parser.add_argument("--cards", nargs="*", metavar="ID", help="the best single network if left out")
    parser.add_argument("--films", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    return parser.parse_args()


SHARED = (
    "Every way is given the same files and brings each film to the same size, finds the lungs with the "
    f"same network, cuts out their box and judges {BATCH_SIZE} films at a time with the same weights; the "
    "code that measures the lungs' mask and cuts the box is shared. The peers are plain loops: they decode "
    "in the same process with Pillow, keep no digest and ask no gate. Here every file is decoded in a "
    "confined process, hashed, and checked by the gate, while the networks work on the films before it, "
    f"{BATCH_SIZE} on each core; a peer's engine puts all cores on the same {BATCH_SIZE}. "
    "Both networks of a peer run in its engine.",
)


def best_card() -> str:
    """Of the chest classifiers with one network, the one with the best validation AUC."""
    models = (inference.load(card.id) for card in cards.every() if card.input.region == "lungs")
    return next(model.card.id for model in models if isinstance(model.network, Classifier))


def draw(folder: Path) -> Path:
    """Soft films of SIDE pixels, which the gate lets pass."""
    for seed in range(DRAWN):
        film = chest(opacity=0.02 * seed, seed=seed)
        large = Image.fromarray(film).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        (folder / f"{seed:03}.png").write_bytes(png(np.asarray(large).clip(0, 1)))
    return folder


def measure(model: Model, files: Sequence[Path], options: argparse.Namespace) -> list[Measured]:
    """All ways in turn, several times; the first is ours."""
    ways = {
        "here": here(model),
        **{name: loop(model, build, options.threads) for name, build in PEERS.items()},
    }
    expected = [one_at_a_time(model, path) for path in files[: 4 * BATCH_SIZE]]
    best = dict.fromkeys(ways, float("inf"))
    stray: dict[str, float] = {}
    for way in ways.values():
        way(files[: 4 * BATCH_SIZE])  # load, compile, start decoders
    for _ in range(options.rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            scores = way(files)
            best[name] = min(best[name], time.perf_counter() - start)
            stray[name] = max(abs(a - b) for a, b in zip(scores, expected, strict=False))
    return [Measured(name, len(files) / best[name], stray[name]) for name in ways]


def one_at_a_time(model: Model, path: Path) -> float:
    row = screening.judge_named(model, path.read_bytes(), path.as_posix(), override=True)
    if row.score is None:
        raise SystemExit(f"{path} cannot be part of a benchmark: {row.error}")
    return row.score


Way = Callable[[Sequence[Path]], list[float]]


def here(model: Model) -> Way:
    prepared = screening.load(model.card.id)
    job = Job(override=True)  # a film that the gate refuses costs its peers as much as any other
    return lambda files: [row.score or 0.0 for row in screening.screen(prepared, files, job)]


def loop(model: Model, build: Build, threads: int) -> Way:
    """Read, find the lungs, align, judge: batch after batch, as one writes it with a library at hand."""
    spec = model.card.input
    finder = checkpoints.network(cards.read("lung-fields"))
    find = build(finder, torch.rand(BATCH_SIZE, 1, lungs.SIZE, lungs.SIZE), threads)
    judge = build(model.network, torch.rand(BATCH_SIZE, spec.channels, spec.size, spec.size), threads)

    def way(files: Sequence[Path]) -> list[float]:
        scores: list[float] = []
        for start in range(0, len(files), BATCH_SIZE):
            films = torch.cat([decoded(path) for path in files[start : start + BATCH_SIZE]])
            chances = torch.sigmoid(find(resize(films, lungs.SIZE, lungs.SIZE))[:, 0])
            boxes = torch.tensor([lungs.box_of(lungs.clean(chance)) for chance in chances])
            odds = torch.softmax(judge(align_films(films, boxes, spec)), dim=1)
            scores += odds[:, 1:].sum(1).tolist()  # the normal class comes first
        return scores

    return way


def decoded(path: Path) -> Tensor:
    """(1, 1, FILM_SIZE, FILM_SIZE)."""
    with Image.open(path) as picture:
        return as_film(np.asarray(picture.convert("L"), dtype=np.float32) / np.float32(255))


def with_pytorch(network: nn.Module, _: Tensor, __: int) -> Run:
    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            output: Tensor = network(x)
            return output

    return run


def with_onnx_runtime(network: nn.Module, x: Tensor, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(exported(network, x), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


def with_openvino(network: nn.Module, x: Tensor, threads: int, **precision: str) -> Run:
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", **precision}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(exported(network, x)), "CPU", settings)
    return lambda x: torch.from_numpy(compiled(x.numpy())[0])


def with_openvino_in_float32(network: nn.Module, x: Tensor, threads: int) -> Run:
    return with_openvino(network, x, threads, INFERENCE_PRECISION_HINT="f32")


def exported(network: nn.Module, x: Tensor) -> bytes:
    """The network as ONNX, for inputs of the shape of x."""
    program = torch.onnx.export(network, (x,), dynamo=True, verbose=False)
    assert program is not None
    serialised: bytes = program.model_proto.SerializeToString()
    return serialised


PEERS: dict[str, Build] = {
    f"PyTorch {version('torch')}": with_pytorch,
    f"ONNX Runtime {version('onnxruntime')}": with_onnx_runtime,
    f"OpenVINO {version('openvino')}, float32": with_openvino_in_float32,
    f"OpenVINO {version('openvino')}, its own precision": with_openvino,
}


def table(card_id: str, ways: Sequence[Measured]) -> list[str]:
    """As Markdown, with what the goal says of it."""
    ours, peers = ways[0], ways[1:]
    rows = [
        f"| {way.name} | {way.per_second:.1f} | {ours.per_second / way.per_second:.2f} | {way.stray:.1e} |"
        for way in ways
    ]
    exact = max((peer for peer in peers if peer.stray <= TOLERANCE), key=lambda peer: peer.per_second)
    fastest = max(peers, key=lambda peer: peer.per_second)
    goal = f"wanted {WANTED} of the fastest peer that gives the same scores"
    said = [f"{ours.per_second / exact.per_second:.2f} of {exact.name}: {goal}."]
    if fastest is not exact:
        said.append(
            f"{fastest.name} is faster ({ours.per_second / fastest.per_second:.2f}), in bfloat16 where the "
            f"processor has it, with scores up to {fastest.stray:.1e} away."
        )
    return [
        f"Card `{card_id}`:",
        "",
        "| Way | Scans per second | Here over there | Largest difference of a score |",
        "|---|---|---|---|",
        *rows,
        "",
        " ".join(said),
        "",
    ]


def bill(card: Card, per_second: float, cores: int, files: Sequence[Path], out: Path) -> list[str]:
    """The arithmetic from the measured throughput, as Markdown."""
    hours = FILMS / per_second / 3600
    core_hours = hours * cores
    row = bytes_per_row(card, out)
    film = sum(path.stat().st_size for path in files) / len(files)
    return [
        f"Card `{card.id}`, {per_second:.1f} films a second on {cores} cores of {sections.processor()} "
        f"([benchmarks](benchmarks.md#{HEADING.lower()})), films of {film / 1e3:.0f} kB. "
        f"Made by `python -m benchmarks.screening`.",
        "",
        "| | Arithmetic | |",
        "|---|---|---|",
        f"| One such node | {FILMS:,} films / {per_second:.1f} a second / 3,600 | {hours:,.0f} hours |",
        f"| Work | {hours:,.0f} hours x {cores} cores | {core_hours:,.0f} core hours |",
        f"| In a day | {core_hours:,.0f} core hours / 24 hours | {math.ceil(core_hours / 24)} cores |",
        f"| Price, **assumed** {CORE_HOUR} US dollars a core hour | {core_hours:,.0f} core hours x "
        f"{CORE_HOUR} | {core_hours * CORE_HOUR:,.0f} dollars |",
        f"| Films read | {FILMS:,} x {film / 1e3:.0f} kB | {FILMS * film / 1e12:.1f} TB |",
        f"| Results stored | {FILMS:,} x {row:.0f} bytes | {FILMS * row / 1e9:.1f} GB |",
        "",
        "Storage and traffic of the films are left out: they lie somewhere already. Other processors, larger "
        "films and larger networks move the first figure: run the benchmark on the machine that you mean to "
        "rent, with your films and your card.",
    ]


def bytes_per_row(card: Card, out: Path) -> float:
    """On disk, of rows with digests and scores as good as random."""
    numbers = random.Random(0)
    with parquet.Writer(out, card, Job()) as writer:
        for number in range(parquet.PART):
            score, digest = numbers.random(), numbers.randbytes(32).hex()
            chances = dict.fromkeys(card.labels, score)
            path = f"/films/site/{number:08}.png"
            writer.add(ScreeningRow(path, "ok", score, card.threshold, "normal", "", chances, digest))
    return sum(part.stat().st_size for part in out.iterdir()) / parquet.PART


if __name__ == "__main__":
    main()
