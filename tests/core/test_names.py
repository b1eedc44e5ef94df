"""The words of the cards stand in one place, and the shipped cards know no others."""

import ast
from pathlib import Path

import pytest

from core import cards, names
from core.card_types import Card
from train.synthesis import validation_lesions

ROOT = Path(names.__file__).resolve().parent.parent
WORDS = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
TRANSLATED = ROOT / "pages/shared/terms.py"  # spelled out for the translators, who find literals alone
SOURCES = [
    path
    for folder in ("core", "pages", "train", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path not in (Path(names.__file__).resolve(), TRANSLATED)
]


def spoken(card: Card) -> set[str]:
    """Every figure that a card of these labels may have."""
    by_label = {
        word
        for label in card.labels[1:]
        for word in (
            names.auroc_of(label),
            names.balanced_accuracy_of(label),
            names.fpr_beside(label),
            names.auc_by("border"),
            names.auroc_by("sharpness", label),
            names.auroc_by("brightness", label),
            *(names.auroc_by_patient(label, bound) for bound in ("", "low", "high")),
        )
    }
    place = names.LOCAL_PLACE
    local = {names.auroc_at(place), names.sensitivity_at(place), names.specificity_at(place)} | {
        names.specificity_at(place, count, worst=worst)
        for count in names.LOCAL_COUNTS
        for worst in (False, True)
    }
    return (
        WORDS
        | by_label
        | local
        | {
            names.auroc_of_lesion(kind)
            for kind in (*validation_lesions.UNSEEN_CHEST_LESIONS, *validation_lesions.UNSEEN_HEAD_LESIONS)
        }
    )


@pytest.mark.parametrize("card", cards.every(), ids=lambda card: card.id)
def test_a_shipped_card_uses_known_words_alone(card: Card):
    assert card.modality in WORDS
    assert {name for name in card.figures if not by_source(name)} <= spoken(card)


def by_source(figure: str) -> bool:
    """Whether it is a figure of one hospital, or of films changed on purpose."""
    kind, comma, _ = figure.partition(", ")
    return (bool(comma) and kind in names.BY_SOURCE) or figure.startswith(names.SCANS_OF)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_spells_them(path: Path):
    """Single words are left out: "seeds" and "temperature" mean other things elsewhere."""
    phrases = {word for word in WORDS if " " in word}
    constants = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if _is_text(node)}
    assert not constants & phrases


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
