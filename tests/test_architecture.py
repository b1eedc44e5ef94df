"""The house rules that imports can break."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top down: a module may import from its own row or a lower one.
ROWS = [
    {"core.__main__"},
    {"core.batch.ray_engine", "core.batch.parquet", "core.batch.labelled_folders"},
    {"core.batch.screening"},
    {"core.inference", "core.audit"},
    {
        "core.explain",
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
    {"core.reading.images", "core.resample", "core.batch.fusion", "core.batch.folders"},
    {"core.reading.sandbox"},
    {"core.reading.worker"},
    {"core.reading.raster", "core.reading.archives", "core.reading.nifti"},
    {"core.reading.dicom"},
    {"core.reading.windowing", "core.reading.deep", "core.reading.colour"},
    {"core.reading.header", "core.reading.tables", "core.reading.padding"},
    {"core.reading.elements", "core.reading.ranges", "core.reading.cutting"},
    {
        "core.types",
        "core.card_types",
        "core.errors",
        "core.names",
        "core.precision",
        "core.retired",
        "core.reading.limits",
    },
]
SIDES = ("app", "pages", "train", "benchmarks")


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def row(module: str) -> int | None:
    """The row of a core module, by its longest known prefix."""
    parts = module.split(".")
    heads = [".".join(parts[:length]) for length in range(len(parts), 1, -1)]
    return next((index for head in heads for index, names in enumerate(ROWS) if head in names), None)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", files("core"), ids=module_of)
def test_core_imports_point_down(path: Path):
    module = module_of(path)
    if module == "core" or not imported(path):
        return
    own = row(module)
    assert own is not None, f"{module} has no row in ROWS: say where it stands"
    above = {name for name in imported(path) if (other := row(name)) is not None and other < own}
    assert not above


@pytest.mark.parametrize("path", files("core"), ids=module_of)
def test_core_knows_no_interface_and_no_training(path: Path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"streamlit", "pages", "train", "app", "benchmarks"}


@pytest.mark.parametrize("path", [ROOT / "app.py", *files("pages")], ids=module_of)
def test_pages_compute_nothing(path: Path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"torch", "torchvision", "sklearn", "scipy"}


@pytest.mark.parametrize("path", [ROOT / "app.py", *files(*SIDES[1:], "core")], ids=module_of)
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
    own = [ROOT / "app.py"] if side == "app" else files(side)
    strangers = set(SIDES) - {side} - ({"pages"} if side == "app" else set())
    for path in own:
        assert not {name.split(".")[0] for name in imported(path)} & strangers, path


@pytest.mark.parametrize(
    "path", [path for path in files("pages") if path.parent.name == "pages"], ids=module_of
)
def test_a_page_is_short(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 80
