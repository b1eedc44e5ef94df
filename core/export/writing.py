"""Write the file, and nothing before it answers as torch does."""

import hashlib
import importlib
import json
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from core import inference, samples
from core.errors import OpacityError, UnknownName
from core.export.bundle import Bundle, inputs, outside
from core.inference import Model
from core.reading import images

FORMATS: Final = {"onnx": ".onnx", "openvino": ".xml"}
TOLERANCE: Final = 1e-4  # of a score against torch's
TRIED: Final = 3  # samples

Answer = Callable[[Sequence[Tensor]], float]
Trial = tuple[tuple[Tensor, ...], float]  # what goes in, and torch's score for it


def export(card_id: str, kind: str, out: Path) -> dict[str, Any]:
    """Write a card's model to `out`, and beside it a .json that says how to use it. Gives that JSON.

    card_id: of a classifier or detector, ensembles too.
    kind: a name in FORMATS.
    out: the file; of OpenVINO the .xml, its weights go beside it as .bin.
    Raises OpacityError where a package is missing, the network cannot be written, or its scores differ from
    torch's by more than TOLERANCE; then nothing is written.
    """
    if out.suffix != FORMATS.get(kind):
        choices = ", ".join(f"{name} to a {suffix} file" for name, suffix in FORMATS.items())
        raise UnknownName(f"{kind!r} to {out.name} is no export: choose {choices}.")
    model = inference.load(card_id)
    trials = _trials(model)
    graph = _graph(model, trials[0][0])
    answer, write = (_onnx if kind == "onnx" else _openvino)(graph)
    off = max(abs(answer(given) - score) for given, score in trials)
    if not off <= TOLERANCE:  # also for NaN
        raise OpacityError(
            f"{card_id} as {kind} gives scores that differ from torch's by {off:.2g}, over {TOLERANCE:g}: "
            "nothing was written. Export it in the other format."
        )
    told = _told(model, trials[0][0], write(out)) | {"format": kind, "largest_difference": off}
    out.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return told


def _trials(model: Model) -> list[Trial]:
    """Samples of the card's modality, judged as the app does; one drawn picture where none ship."""
    fitting = [sample for sample in samples.every() if sample.modality == model.card.modality][:TRIED]
    scans = [images.read(samples.read(sample), sample.name) for sample in fitting]
    judged = [(inputs(scan, model.card.input), inference.judge(model, scan).score) for scan in scans]
    return judged or [_drawn(model)]


def _drawn(model: Model) -> Trial:
    side = model.card.input.size
    noise = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    image = F.interpolate(noise, (side, side), mode="bilinear")
    given = (image, torch.ones_like(image)) if model.card.input.view == "native" else (image,)
    with torch.inference_mode():
        answer = Bundle(model)(*given)
    return given, float(answer if isinstance(answer, Tensor) else answer[0])


def _graph(model: Model, given: tuple[Tensor, ...]) -> bytes:
    """The model as ONNX, for one scan at a time."""
    for name in ("onnx", "onnxscript"):
        _installed(name)
    detector = model.card.kind == "detector"
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own making
            program = torch.onnx.export(
                Bundle(model).eval(),
                given,
                dynamo=True,
                verbose=False,
                input_names=["image", "hull"][: len(given)],
                output_names=["score"] if detector else ["score", "probabilities"],
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise OpacityError(
            f"{model.card.id} cannot be exported: {model.card.model!r} has a step that ONNX lacks."
        ) from error
    assert program is not None
    graph: bytes = program.model_proto.SerializeToString()
    return graph


def _onnx(graph: bytes) -> tuple[Answer, Callable[[Path], list[Path]]]:
    session = _installed("onnxruntime").InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def answer(given: Sequence[Tensor]) -> float:
        fed = {name: x.numpy() for name, x in zip(names, given, strict=True)}
        return float(session.run(["score"], fed)[0].item())

    def write(out: Path) -> list[Path]:
        out.write_bytes(graph)
        return [out]

    return answer, write


def _openvino(graph: bytes) -> tuple[Answer, Callable[[Path], list[Path]]]:
    openvino = _installed("openvino")
    core = openvino.Core()
    network = core.read_model(graph)
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answer(given: Sequence[Tensor]) -> float:
        return float(compiled([x.numpy() for x in given])["score"].item())

    def write(out: Path) -> list[Path]:
        openvino.save_model(network, out, compress_to_fp16=False)
        return [out, out.with_suffix(".bin")]

    return answer, write


def _installed(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise OpacityError(f"{name} is not installed: pip install -r requirements-fast.txt") from error


def _told(model: Model, given: Sequence[Tensor], written: Sequence[Path]) -> dict[str, Any]:
    card = model.card
    classes = {"probabilities": "by label, in the order of labels"} if card.kind == "classifier" else {}
    return {
        "card": card.id,
        "kind": card.kind,
        "modality": card.modality,
        "labels": card.labels,
        "threshold": card.threshold,
        "rule": "abnormal when score >= threshold",
        "inputs": {name: list(x.shape) for name, x in zip(("image", "hull"), given, strict=False)},
        "outputs": {"score": "the higher the less normal", **classes},
        "outside": [
            *outside(card.input),
            "Whether the card may judge the scan is not asked: core.gate does.",
        ],
        "inside": "contrast by percentiles, mean and standard deviation, network, score",
        "weights_sha256": card.sha256,
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in written},
        "intended_use": card.intended_use,
        "licence": card.licence,
    }
