"""The house rules that imports can break."""

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top down: a module may import from its own row or a lower one. The longest name that fits places a
# module; "train" and "pages" place what lies beside their folders, the scripts and the pages themselves.
ROWS = {
    "core": [
        {"core.__main__"},
        {"core.command_line"},
        {"core.batch", "core.export"},
        {"core.export.bundle"},
        {"core.inference", "core.audit"},
        {
            "core.explainers",
            "core.evaluation",
            "core.cost",
            "core.neighbours",
            "core.overlay",
            "core.gate",
            "core.feature_density",
        },
        {"core.preprocess", "core.anatomy"},
        {"core.checkpoints"},
        {"core.samples"},
        {"core.cards"},
        {"core.models", "core.detectors"},
        {"core.reading.images", "core.resample", "core.batch.folders", "core.batch.allocator"},
        {"core.reading.sandbox"},
        {"core.reading.worker"},
        {"core.reading.raster", "core.reading.archives", "core.reading.nifti"},
        {"core.reading.dicom"},
        {"core.reading.windowing", "core.reading.deep", "core.reading.colour"},
        {"core.reading.refuted"},
        {"core.reading.header", "core.reading.tables", "core.reading.padding"},
        {"core.reading.elements", "core.reading.ranges", "core.reading.cutting"},
        {"core.reading.limits"},
        {
            "core.types",
            "core.card_types",
            "core.errors",
            "core.names",
            "core.precision",
            "core.retired",
            "core.ranking",
        },
    ],
    "train": [
        {"train", "train.where.chest"},
        {"train.gate", "train.samples", "train.where"},
        {"train.publish"},
        {"train.fit", "train.synthesis"},
        {"train.data"},
        {"train.runs", "train.seeds"},
    ],
    "pages": [
        {"pages"},
        {"pages.shared.views"},
        {"pages.shared.sidebar", "pages.shared.landing", "pages.shared.views.sample_strip"},
        {
            "pages.shared.session",
            "pages.shared.wording",
            "pages.shared.map_wording",
            "pages.shared.sentences",
            "pages.shared.terms",
        },
        {"pages.shared.caches", "pages.shared.components"},
        {"pages.shared.thumbnails", "pages.shared.numbering", "pages.shared.language", "pages.shared.locale"},
    ],
}
SIDES = ("app", "pages", "train", "benchmarks")
MOST = 20  # files side by side in one folder


def files(*places: str) -> list[Path]:
    """The modules below these folders; a file stands for itself."""
    found = [path for place in places for path in ((ROOT / place), *(ROOT / place).rglob("*.py"))]
    return sorted(path for path in found if path.is_file())


def imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def row(module: str, rows: Sequence[set[str]]) -> int | None:
    """The row of a module, by its longest known prefix."""
    parts = module.split(".")
    heads = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((index for head in heads for index, names in enumerate(rows) if head in names), None)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", files(*ROWS), ids=module_of)
def test_imports_point_down(path: Path):
    module = module_of(path)
    if module in ROWS:  # a package's own face
        return
    rows = ROWS[module.split(".")[0]]
    every = imported(path)
    names = {name for name in every if not any(other.startswith(f"{name}.") for other in every)}
    own = row(module, rows)
    assert own is not None or not names, f"{module} has no row in ROWS: say where it stands"
    assert not {name for name in names if (other := row(name, rows)) is not None and other < own}


@pytest.mark.parametrize("path", files("core"), ids=module_of)
def test_core_knows_no_interface_and_no_training(path: Path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"streamlit", "pages", "train", "app", "benchmarks"}


@pytest.mark.parametrize("path", files("app.py", "pages"), ids=module_of)
def test_pages_compute_nothing(path: Path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"torch", "torchvision", "sklearn", "scipy"}


@pytest.mark.parametrize("path", files("app.py", *SIDES[1:], "core"), ids=module_of)
def test_bfloat16_is_asked_for_in_one_place(path: Path):
    if module_of(path) in ("core.precision", "benchmarks.precision"):  # the latter measures what it costs
        return
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {name.split(".")[-1] for name in imported(path)}
    assert "autocast" not in names, "use core.precision.half: not every processor has bfloat16"


@pytest.mark.parametrize("side", SIDES)
def test_the_sides_do_not_know_each_other(side: str):
    own = files("app.py" if side == "app" else side)
    strangers = set(SIDES) - {side} - ({"pages"} if side == "app" else set())
    for path in own:
        assert not {name.split(".")[0] for name in imported(path)} & strangers, path


@pytest.mark.parametrize("path", files("app.py", *SIDES[1:], "core"), ids=module_of)
def test_of_the_tests_benchmarks_alone_know_the_drawings(path: Path):
    known = {name for name in imported(path) if name.split(".")[0] == "tests"} - {"tests"}
    allowed = path.is_relative_to(ROOT / "benchmarks")
    assert not {name for name in known if not (allowed and name.startswith("tests.phantoms"))}


@pytest.mark.parametrize("path", files("tests"), ids=module_of)
def test_no_test_imports_another(path: Path):
    assert not {
        name
        for name in imported(path)
        if name.startswith("tests.") and any(part.startswith("test_") for part in name.split("."))
    }


@pytest.mark.parametrize("side", ["core", "train", "pages", "tests", "benchmarks"])
def test_no_folder_is_a_drawer(side: str):
    folders = [ROOT / side, *(path for path in (ROOT / side).rglob("*") if path.is_dir())]
    counts = {
        str(folder.relative_to(ROOT)): sum(path.is_file() for path in folder.iterdir())
        for folder in folders
        if folder.name != "__pycache__"
    }
    assert counts[side] > 0
    assert not {folder: count for folder, count in counts.items() if count > MOST}


@pytest.mark.parametrize(
    "path", [path for path in files("pages") if path.parent.name == "pages"], ids=module_of
)
def test_a_page_is_short(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 80
