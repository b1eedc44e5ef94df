"""Exported models answer as torch does, with their preprocessing inside."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from core import cards, export, inference
from core.__main__ import main
from core.errors import OpacityError, UnknownName
from core.export import bundle, writing
from core.preprocess import stretch
from core.reading import images
from tests.phantoms.chest import chest, png

CLASSIFIER, DETECTOR, NATIVE = "pneumonia-cnn", "chest-dense", "tuberculosis-small"


@pytest.mark.parametrize("card_id", [CLASSIFIER, DETECTOR, NATIVE])
def test_an_onnx_file_scores_a_new_scan_as_the_app_does(card_id: str, tmp_path: Path):
    pytest.importorskip("onnxscript", reason="requirements-fast.txt is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="requirements-fast.txt is not installed")
    out = tmp_path / "model.onnx"
    assert main(["export", "--card", card_id, "--format", "onnx", "--out", str(out)]) == 0
    told = json.loads(out.with_suffix(".json").read_text("utf-8"))
    model, scan = inference.load(card_id), images.read(png(chest(opacity=0.3, seed=9)), "film.png")
    given = bundle.inputs(scan, model.card.input)
    session = runtime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    fed = {name: x.numpy() for name, x in zip(told["inputs"], given, strict=True)}
    answers = dict(zip(told["outputs"], session.run(list(told["outputs"]), fed), strict=True))
    assert abs(answers["score"].item() - inference.judge(model, scan).score) <= export.TOLERANCE
    if model.card.kind == "classifier":
        assert np.allclose(answers["probabilities"].sum(), 1, atol=1e-5)
    assert told["labels"] == list(model.card.labels)
    assert told["threshold"] == model.card.threshold
    assert told["files"] == {"model.onnx": hashlib.sha256(out.read_bytes()).hexdigest()}


def test_an_openvino_file_is_written_with_its_weights(tmp_path: Path):
    pytest.importorskip("openvino", reason="requirements-fast.txt is not installed")
    told = export.export(DETECTOR, "openvino", tmp_path / "model.xml")
    assert set(told["files"]) == {"model.xml", "model.bin"}
    assert told["largest_difference"] <= export.TOLERANCE


def test_a_file_that_scores_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "_trials", lambda _: [((), 0.5)])
    monkeypatch.setattr(writing, "_graph", lambda *_: b"")
    monkeypatch.setattr(writing, "_onnx", lambda _: (lambda _: 0.5002, lambda out: out.write_bytes(b"")))
    with pytest.raises(OpacityError, match=r"differ from torch's by 0\.0002"):
        export.export(CLASSIFIER, "onnx", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_format_and_the_files_name_fit(tmp_path: Path):
    for kind, name in (("onnx", "model.xml"), ("openvino", "model.onnx"), ("tflite", "model.tflite")):
        with pytest.raises(UnknownName, match=r"onnx to a \.onnx file, openvino to a \.xml file"):
            export.export(CLASSIFIER, kind, tmp_path / name)


def test_what_judges_no_scans_is_not_exported(tmp_path: Path):
    for card_id in ("lung-fields", "backbone-resnet50"):
        with pytest.raises(OpacityError):
            export.export(card_id, "onnx", tmp_path / "model.onnx")


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(OpacityError, match=r"onnxscript is not installed: pip install -r requirements-fast"):
        export.export(CLASSIFIER, "onnx", tmp_path / "model.onnx")


def test_each_part_outside_is_said_for_each_region():
    for card in cards.every():
        said = " ".join(bundle.outside(card.input))
        assert str(card.input.size) in said
        assert ("hull:" in said) == (card.input.view == "native")


def test_percentiles_are_those_of_the_app():
    scan = images.read(png(chest(seed=4)), "film.png")
    spec = cards.read(CLASSIFIER).input
    (image,) = bundle.inputs(scan, spec)
    assert np.allclose(bundle._stretched(image), stretch(image), atol=1e-6)
