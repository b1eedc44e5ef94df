"""One command from a folder to a card: two classes, three, and a detector; stopped, gone on with, redone.

The commands run in one process of their own, whose OPACITY_WEIGHTS is a folder of the test's.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import cards, gate, inference, neighbours
from core.card_types import Card
from core.errors import CardError
from core.inference import Model
from core.reading import images
from core.types import Prediction
from tests.phantoms import own_films
from tests.phantoms.chest import png

ROOT = Path(cards.__file__).resolve().parents[1]
SHIPPED = ("backbone-dinov2-vits14", "lung-fields", "pneumonia-cnn", "samples")
RULE = ["--patient", r"p\d+"]
SCRIPT = """
import contextlib, io, json, sys
from dataclasses import replace
from core.__main__ import main as core
from train import fitted, probe
from train.new import __main__ as new, classifier, gate

gate.PER_KIND, new.TRUST_SCANS, fitted.PAIRED_FILMS = 1, 2, 2
classifier.COPIES, classifier.SETTINGS = 1, replace(classifier.SETTINGS, epochs=6)
measured, calls = probe.mean_auc, []

def interrupted(*given):
    calls.append(1)
    if len(calls) == 10:  # four views an epoch: within the third
        raise KeyboardInterrupt
    return measured(*given)

probe.mean_auc = interrupted
told = {}
for name, run, arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    out, err = io.StringIO(), io.StringIO()
    out.reconfigure = lambda **_: None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = (new.main if run == "new" else core)(arguments)
    told[name] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Told:
    """What every command answered (exit status, output, errors), in which folder, and the cards it left."""

    by: dict[str, tuple[int, str, str]]
    folder: Path
    weights: Path

    def card(self, name: str) -> Card:
        card = cards.read(name, self.weights)
        assert isinstance(card, Card)
        return card


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    there, weights = tmp_path_factory.mktemp("films"), tmp_path_factory.mktemp("weights")
    for name in SHIPPED:
        (weights / name).symlink_to(cards.WEIGHTS / name)
    two = own_films.fill(there / "two", gesund=(30, 0.0), krank=(30, 0.5))
    (two / "krank" / "notes.txt").write_text("no film")
    three = own_films.fill(there / "three", healthy=(8, 0.0), left=(8, 0.3), right=(8, 0.6))
    normals = own_films.fill(there / "normals", normal=(24, 0.0))
    runs = ["--runs", str(there / "runs")]
    learned = ["--data", str(two), *RULE, *runs, "--base", "pneumonia-cnn", "--maps", "grad-cam"]
    commands = [
        ("stopped", "new", ["mine", *learned]),
        ("gone on", "new", ["mine", *learned]),
        ("unbroken", "new", ["again", *learned, "--only", "train"]),
        ("gate", "new", ["mine", *learned, "--only", "gate"]),
        ("other films", "new", ["mine", "--data", str(three), *runs]),
        ("shipped", "new", ["pneumonia-cnn", *learned]),
        ("three", "new", ["three", f"--data={three}", *runs, "--only", "train"]),
        ("detector", "new", ["odd", "--data", str(normals), "--kind", "detector", *runs, "--only", "train"]),
        ("evaluate", "core", ["evaluate", "--card", "mine", "--json", str(there / "labelled")]),
        ("removed", "new", ["again", "--remove"]),
    ]
    own_films.fill(there / "labelled", gesund=(4, 0.0), krank=(4, 0.5))
    passed = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS") if name in os.environ}  # no HOME
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(commands)],
        cwd=there,
        env={**passed, "PYTHONPATH": str(ROOT), "OPACITY_WEIGHTS": str(weights)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return Told(json.loads(ran.stdout), there, weights)


def test_stopping_ends_with_one_line_and_no_card(told: Told):
    code, _, error = told.by["stopped"]
    assert code == 130, error
    assert error.strip().splitlines()[-1] == "Stopped. The same command goes on from here."


def test_going_on_gives_equal_losses(told: Told):
    assert told.by["gone on"][0] == told.by["unbroken"][0] == 0
    assert "Going on after epoch 2" in told.by["gone on"][1]
    curve = told.card("mine").training.curve
    assert len(curve) == 6
    lines = [line for line in told.by["unbroken"][1].splitlines() if line.startswith("epoch")]
    assert [f"loss {row['loss']:.4g}" for row in curve] == [line.split("  ")[1] for line in lines]


def test_the_card_is_whole(told: Told):
    card = told.card("mine")
    assert (card.origin, card.labels, card.kind) == ("own", ("gesund", "krank"), "classifier")
    assert set(card.report) == {"validation", "test"}
    assert card.trust.keys() == card.scales.keys() != set()
    assert card.known is not None
    assert str(card.arguments["of"]).startswith("pneumonia-cnn@")
    assert card.data["files that could not be read"] == 1
    assert "AUC by border alone" in card.figures
    assert cards.every(told.weights)[0].origin == "shipped"


def test_only_redoes_one_part(told: Told):
    code, said, _ = told.by["gate"]
    card = told.card("mine")
    assert code == 0
    assert "own test films" in said
    assert "epoch" not in said
    assert card.gate is not None
    assert card.gate.command.endswith("--only gate")
    assert card.known is not None
    assert not card.known.command.endswith("--only gate")


def test_the_card_judges_refuses_and_remembers(told: Told):
    model = inference.load("mine", told.weights)
    scan = images.read(png(own_films.film(500, 0.5)), "new.png")
    answer = inference.judge(model, scan)
    assert isinstance(answer, Prediction)
    assert answer.verdict == "abnormal"
    gate.check(scan, model.card, root=told.weights)
    index = neighbours.read(model.card, told.weights)
    vote = neighbours.vote(index, inference.embed(model, scan), model.card)
    assert set(vote.shares) == {"gesund", "krank"}
    assert all(not path.startswith("/") for path in index.path.tolist())


def test_the_command_line_evaluates_it(told: Told):
    code, said, error = told.by["evaluate"]
    assert code == 0, error
    assert json.loads(said)["report"]["n"] > 0


def test_nothing_on_a_card_tells_whose_machine_it_was(told: Told):
    for name in ("mine", "three", "odd"):
        for path in (told.weights / name).iterdir():
            assert os.fsencode(told.folder) not in path.read_bytes(), path.name


def test_the_figures_come_with_what_they_cannot_show(told: Told):
    report = told.card("mine").report["test"]
    said = f"{report.n} test films, {report.abnormal} of them abnormal, can show this much"
    assert said in told.by["gone on"][1]


def test_other_films_and_shipped_names_are_refused(told: Told):
    for command, reason in (("other films", "was made from other films"), ("shipped", "ships with Opacity")):
        code, _, error = told.by[command]
        assert code == 2
        assert reason in error
        assert "--replace" in error


def test_three_classes_stand_on_the_shipped_backbone(told: Told):
    assert told.by["three"][0] == 0, told.by["three"]
    model: Model = inference.load("three", told.weights)
    assert model.card.labels == ("healthy", "left", "right")
    assert model.card.arguments["of"] == "dinov2-vits14"


def test_a_detector_is_measured_on_lesions_drawn_where_no_film_is_abnormal(told: Told):
    assert told.by["detector"][0] == 0, told.by["detector"]
    card = told.card("odd")
    assert card.labels == ("normal", "drawn lesion")
    odd = inference.load("odd", told.weights)
    usual, white = (images.read(png(x), "new.png") for x in (own_films.film(501), own_films.film(501, 0.9)))
    assert inference.judge(odd, usual).score < inference.judge(odd, white).score


def test_removal_leaves_nothing_and_spares_what_ships(told: Told):
    assert told.by["removed"][:2] == [0, "again is removed.\n"]
    assert not (told.weights / "again").exists()
    with pytest.raises(CardError, match="ships with Opacity"):
        cards.remove("pneumonia-cnn", told.weights)
