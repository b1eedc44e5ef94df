"""What `pip install .` installs, and its short public face."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import core
from core import cards, inference
from core.errors import CardError
from core.reading import images

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def run(code: str, **settings) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, **settings).stdout


def test_every_package_of_core_is_installed_and_its_weights():
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "core").rglob("__init__.py")}
    packages = {".".join(folder.parts) for folder in folders}
    assert set(SETTINGS["packages"]) == packages | {"core.weights"}
    assert (ROOT / SETTINGS["package-dir"]["core.weights"]).samefile(ROOT / "weights")


def test_the_public_face_is_the_facade():
    assert core.explain is inference.explain
    assert core.read is images.read
    assert {name for name in core.__all__ if name.islower()} == {
        "load",
        "read",
        "classify",
        "detect",
        "explain",
    }
    assert set(core.__all__) <= set(dir(core))
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        core.predict  # noqa: B018


def test_importing_core_loads_no_torch():
    said = run("import sys, core; print('torch' in sys.modules); core.load; print('torch' in sys.modules)")
    assert said.split() == ["False", "True"]


def test_weights_may_lie_where_a_variable_says(tmp_path: Path):
    code = "from core import cards; print(cards.WEIGHTS)"
    assert run(code, env={"OPACITY_WEIGHTS": str(tmp_path)}).strip() == str(tmp_path)
    assert run(code, env={}).strip() == str(ROOT / "weights")


def test_a_missing_folder_of_weights_says_how_to_name_it(tmp_path: Path):
    with pytest.raises(CardError, match="Name the one with the weights in OPACITY_WEIGHTS"):
        cards.every(tmp_path / "none")


def test_modules_that_moved_are_found_by_their_former_names():
    import core
    from core.batch import screening
    from core.reading import images

    assert core.images is images
    assert core.screening is screening
