"""Bring the catalogues in step with the code: python -m pages.shared.locale [CODE ...]

Every language gets the sentences that are new, untranslated, and loses those that are gone; a code without a
file begins one.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
SENTENCES = Path("pages/shared/sentences.py")
KEYWORDS = {"tr": None, "later": None, "ntr": (1, 2)}
ABOUT = "# What the app says. In step with the code by: python -m pages.shared.locale"
# what core says in sentences of its own, with the translator as an argument
IN_CORE = ("core/anatomy/outlines.py", "core/evaluation/local_calibration.py", "core/export/report.py")
METHODS = [
    *((file, "python") for file in ("app.py", "pages/**.py", *IN_CORE)),
    ("pages/**.js", "javascript"),
]


def sentences() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every sentence of the app, with the file it stands in; a pair where one differs from several."""
    options = {"pages/**.js": {"parse_template_string": True}}
    found = extract_from_dir(ROOT, METHODS, options, keywords=KEYWORDS, directory_filter=_is_ours)
    yield from ((file, words) for file, _, words, _, _ in found)
    yield from ((SENTENCES.as_posix(), words) for words in _fixed())


def _is_ours(folder: str) -> bool:
    """Whether the folder may hold words of the app."""
    in_core = {ROOT / "core", *((ROOT / file).parent for file in IN_CORE)}
    return Path(folder).is_relative_to(ROOT / "pages") or Path(folder) in {ROOT, *in_core}


def _fixed() -> Iterator[str]:
    """The texts of sentences.py: whatever has a space or begins with a capital; the rest are keys."""
    tree = ast.parse((ROOT / SENTENCES).read_text("utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text = node.value
                    if " " in text or text[:1].isupper():
                        yield text


def template() -> Catalog:
    """All of them, untranslated."""
    catalog = Catalog(project="opacity", charset="utf-8")
    for file, words in sentences():
        catalog.add(words, locations=[(file, 1)])
    return catalog


def update(code: str) -> None:
    """Write the language's file anew. code: of the language, "de"."""
    path = HERE / f"{code}.po"
    known = Catalog(locale=code, project="Opacity", version="", fuzzy=False, header_comment=ABOUT)
    if path.exists():
        with path.open("rb") as file:
            known = read_po(file, code)
    made = known.creation_date  # kept, so that a file changes only where a sentence does
    known.update(template(), no_fuzzy_matching=True)
    known.obsolete.clear()
    known.creation_date = made
    with path.open("wb") as file:
        write_po(file, known, width=110, include_lineno=False, sort_by_file=True, omit_header=False)


if __name__ == "__main__":
    for each in sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.po")):
        update(each)
