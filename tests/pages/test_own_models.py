"""A person's own models on page Models, and the way there from page Screen."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import cards
from pages.shared.views.own import training_set
from pages.shared.views.screening.judging import WorklistRow
from tests.pages.app import opened, words
from tests.phantoms import fake_cards
from tests.phantoms.fake_cards import made_up

MINE = made_up("mine", ("well", "ill"), skill=2.5, task="mine", origin="own")
OTHER = made_up("other", ("well", "ill"), skill=1.5, seed=1, task="mine", origin="own")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with fake_cards.weights(tmp_path, (MINE, 2.5, 0), (OTHER, 1.5, 1)):
        yield tmp_path


def listed(app: AppTest) -> list[str]:
    tables = [frame.value for frame in app.dataframe if "learned from" in frame.value.columns]
    return [str(name) for table in tables for name in table["model"]]


def button(app: AppTest, label: str):
    return next(found for found in app.button if found.label == label)


def test_own_models_are_listed_and_removed_after_one_question(root: Path):
    app = opened("pages/models.py")
    assert sorted(listed(app)) == ["mine", "other"]
    app.selectbox(key="own-remove").set_value("mine").run()
    app = button(app, "Remove this model").click().run()
    assert (root / "mine").exists()
    assert "mine and all that was measured of it will be deleted" in app.warning[0].value
    app = button(app, "Yes, remove mine").click().run()
    assert not app.exception
    assert listed(app) == ["other"]
    assert not (root / "mine").exists()


def test_keeping_a_model_keeps_it(root: Path):
    app = button(opened("pages/models.py"), "Remove this model").click().run()
    app = button(app, "Keep it").click().run()
    assert not app.warning
    assert sorted(listed(app)) == ["mine", "other"]
    assert (root / "mine").exists()


def test_a_card_written_while_the_server_runs_is_seen(root: Path):
    app = opened("pages/models.py")
    cards.remove("other", root)
    assert listed(app.run()) == ["mine"]


def test_without_own_models_the_command_is_shown():
    app = opened("pages/models.py")
    assert listed(app) == []
    assert any("python -m train.new" in code.value for code in app.code)
    assert "None yet" in words(app)


@dataclass(frozen=True)
class Named:
    """A file that an uploader handed over."""

    name: str
    file_id: str = ""

    def getvalue(self) -> bytes:
        return b""


def row(name: str, label: str, **extra: str) -> WorklistRow:
    return WorklistRow(name, "ok", 0.5, "", {}, Named(name), label, extra)


def test_a_labelled_set_becomes_the_table_that_the_command_reads():
    rows = [row("a/1.png", "well", patient="7", sex="F"), row("b, c.png", "ill")]
    assert training_set.as_table(rows) == 'path,label,patient\na/1.png,well,7\n"b, c.png",ill,\n'
    options = "--kind classifier --modality 'chest film' --normal well"
    assert training_set.line(MINE) == f"python -m train.new my-model --data labels.csv {options}"
