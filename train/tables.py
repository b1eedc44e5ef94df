"""Write the tables of README.md and docs/cards.md from the cards: python -m train.tables [--check]"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from core import cards, names
from core.card_types import Card
from core.evaluation import by_source, openings
from core.evaluation.by_source import SourceRow
from core.evaluation.clustered import Rate
from core.evaluation.promises import POLICIES, Promise, promises
from core.types import Interval

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table of truth: python -m train.tables -->", "<!-- end of table -->"
TITLES = {
    "pneumonia": "Is it pneumonia?",
    "etiology": "Bacterial or viral?",
    "covid": "Is it COVID-19, or viral pneumonia?",
    "opacity": "Adults: normal, lung opacity or another finding?",
    "tuberculosis": "Is it tuberculosis?",
    "brain-mri": "Which tumour, on a slice of brain MRI?",
    "chest anomaly": "How unlike normal is a chest film?",
    "brain CT anomaly": "How unlike normal is a CT slice of a head?",
    "brain MRI anomaly": "How unlike normal is a slice of brain MRI?",
}


def main() -> None:
    arguments = parse()
    readme, long = ROOT / "README.md", ROOT / "docs" / "cards.md"
    texts = {readme: with_table(readme.read_text("utf-8")), long: all_cards()}
    if arguments.check:
        stale = [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
        raise SystemExit(f"{', '.join(stale)}: write again with python -m train.tables" if stale else 0)
    for path, text in texts.items():
        path.write_text(text, "utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the files are stale")
    return parser.parse_args()


def with_table(readme: str) -> str:
    """The README with the defaults by source between its two markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table_of_truth()}\n{END}{after}"


def table_of_truth() -> str:
    """Each default on each source, home first, the worst in bold."""
    head = ("Card", "Source", "Scans", "AUC", "Sensitivity", "Specificity", "Calibration slope")
    found = [row for card in by_source.defaults() for row in by_source.rows(card)]
    return table(head, [cells(row) for row in found])


def cells(row: SourceRow) -> list[str]:
    """One row as words; what is not known stays empty."""
    said = [
        f"`{row.card_id}`",
        row.source if row.home else f"{row.source} (elsewhere)",
        f"{row.n:,} ({row.abnormal:,} abnormal)",
        figure(row.auc, row.auc_interval),
        share(row.sensitivity),
        share(row.specificity),
        "" if row.slope is None else f"{row.slope:.2f}",
    ]
    return [f"**{cell}**" if cell else "" for cell in said] if row.worst else said


def figure(value: float | None, interval: Interval | None) -> str:
    if value is None or interval is None:
        return ""
    return f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def share(rate: Rate | None) -> str:
    return figure(rate.value, rate.interval) if rate else ""


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def all_cards() -> str:
    """Every card, by question; then what the threshold policies promised and kept."""
    parts = [
        "# All cards",
        "Written by `python -m train.tables` from `weights/`; no figure here is typed. Figures are on test "
        "scans at the card's threshold; intervals of 95 % go by patient where patients are known. Yardsticks "
        "are there to be beaten. Border: the AUC of a logistic regression on the outer eighth of the same "
        "test scans. Equal detail: the AUC on test scans blurred until the region of each has as little "
        f"detail as the least detailed; in brackets what that detail itself then tells, at most "
        f"{by_source.EVEN:.2f}, for beyond that the control proves nothing. Seeds: the spread of the "
        "validation AUC, and over how many. Empty: not known. Looks: how often the test split was scored, as "
        "far as `weights/<id>/openings.csv` knows.",
    ]
    every = [card for card in cards.every() if openings.measured(card)]
    for task in dict.fromkeys(card.task for card in every):
        chosen = [card for card in every if card.task == task]
        parts += [f"## {TITLES.get(task, task)}", leaderboard(chosen), sources_of(chosen)]
    parts += ["## Promised and kept", PROMISED, promised_and_kept()]
    return "\n\n".join(part for part in parts if part) + "\n"


PROMISED = (
    "Per threshold policy, over the default cards: how far test stayed below what the policy promised, as a "
    "mean and at worst, and on how many cards by more than .05. Thresholds are chosen on validation, of the "
    "detectors also on all training normals, each judged by a detector that had not seen its run of file "
    "numbers. At home: on test scans of the sources that the threshold was chosen by; a card without such "
    "does not count there. A policy with a target promises it; any other promises what it reaches on runs of "
    "file numbers that it was not chosen on. "
    "A cell is empty where a policy promises no such rate; some policies find no threshold on a card."
)


SUMMARY = (
    "Card",
    "Test AUC",
    "Accuracy",
    "Sensitivity",
    "Specificity",
    "Class right",
    "Border",
    "Equal detail",
    "Seeds",
    "Looks",
)


def leaderboard(chosen: Sequence[Card]) -> str:
    return table(SUMMARY, [summary(card) for card in chosen])


def summary(card: Card) -> list[str]:
    tested, even, figures = by_source.whole(card), by_source.equal_detail(card), card.figures
    border = figures.get(names.auc_by("border"))
    return [
        f"`{card.id}`" + (" (yardstick)" if card.yardstick else ""),
        figure(tested.auc, tested.auc_interval),
        f"{card.report['test'].points[0].accuracy:.3f}",
        share(tested.sensitivity),
        share(tested.specificity),
        class_right(card),
        "" if border is None else f"{border:.3f}",
        "" if even is None else f"{even[0]:.3f} ({even[1]:.3f})",
        f"{figures[names.SEED_AUC_SPREAD]:.4f} of {figures[names.SEEDS]:.0f}"
        if names.SEEDS in figures
        else "",
        str(openings.count(card.id)),
    ]


def class_right(card: Card) -> str:
    """Share of test scans whose most probable class is their own; empty for two classes and for detectors."""
    if card.kind != "classifier" or len(card.labels) == 2:
        return ""
    scores = cards.scores(card)
    likeliest = np.argmax([scores.probabilities[name] for name in card.labels], axis=0)
    truth = np.array([card.labels.index(label) for label in scores.label])
    return f"{np.mean((likeliest == truth)[np.array(scores.split) == 'test']):.3f}"


def sources_of(chosen: Sequence[Card]) -> str:
    """The same cards by source, and with a hospital left out where that was tried; empty for one source."""
    found = {card.id: {row.source: row for row in by_source.rows(card)} for card in chosen}
    places = list(dict.fromkeys(place for rows in found.values() for place in rows))
    left_out = sorted(
        {
            name
            for card in chosen
            for name in card.figures
            if name.startswith("AUC, ") and name.endswith(" left out")
        }
    )
    if len(places) < 2:
        return ""
    said = [
        [
            f"`{card.id}`",
            *(by_place(found[card.id].get(place)) for place in places),
            *(f"{card.figures[name]:.3f}" if name in card.figures else "" for name in left_out),
        ]
        for card in chosen
    ]
    note = "By source: AUC, then sensitivity and specificity."
    if guesses := sorted({f"{auc:.3f}" for card in chosen if (auc := by_source.source_only_auc(card))}):
        note += f" Guessing by the source alone, an AUC of {' or '.join(guesses)} on the same test scans."
    note += "".join(without_one_class(card) for card in chosen)
    if left_out:
        note += " Left out: a network of the same kind taught without that hospital, on all its films."
    return f"{note}\n\n{table(('Card', *places, *left_out), said)}"


def without_one_class(card: Card) -> str:
    """A sentence on the sources of both classes, where test has others."""
    row = by_source.of_both_classes(card)
    if row is None or card.yardstick:
        return ""
    return (
        f" `{card.id}` without sources of one class: AUC {figure(row.auc, row.auc_interval)}, sensitivity "
        f"{share(row.sensitivity)}, specificity {share(row.specificity)}."
    )


def by_place(row: SourceRow | None) -> str:
    if row is None:
        return ""
    rates = [f"{rate.value:.3f}" if rate else "-" for rate in (row.sensitivity, row.specificity)]
    return f"{'-' if row.auc is None else f'{row.auc:.3f}'}; {' / '.join(rates)}"


def promised_and_kept() -> str:
    found: dict[str, list[Promise]] = {policy.name: [] for policy in POLICIES}
    for card in by_source.defaults():
        for promise in promises(card):
            found[promise.policy.name].append(promise)
    rates = ("Specificity: mean", "at home", "at worst", "Sensitivity: mean", "at home", "at worst")
    head = ("Policy", "Cards", *rates, "Broken")
    return table(head, [shortfalls(name, kept) for name, kept in found.items()])


def shortfalls(policy: str, kept: Sequence[Promise]) -> list[str]:
    said = [policy, str(len(kept))]
    for rate in ("specificity", "sensitivity"):
        falls = [promise.shortfall[rate] for promise in kept if rate in promise.shortfall]
        home = [promise.shortfall_at_home[rate] for promise in kept if rate in promise.shortfall_at_home]
        said += [
            f"{value:.3f}" if falls else ""
            for value in (np.mean(falls or 0), np.mean(home or 0), max(falls, default=0))
        ]
    return [*said, str(sum(promise.broken for promise in kept))]


if __name__ == "__main__":
    main()
