from dataclasses import replace

import numpy as np
import pytest

from core import cards
from core.card_types import Card, Policy, Scores
from core.evaluation import promises, sources
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT

EVERY = cards.every()
DEFAULTS = list({(card.kind, card.task): card for card in reversed(EVERY)}.values())
CARD = replace(next(card for card in EVERY if card.task == "pneumonia"), labels=("normal", "pneumonia"))


def table(shift: float) -> Scores:
    """Kermany in both splits, Montgomery in test alone; test normals score higher by the shift."""
    rng = np.random.default_rng(0)
    rows = []
    for split, folder in (("validation", "train/"), ("test", "test/"), ("test", "tuberculosis/montgomery/")):
        for label, name, level in (
            ("normal", "NORMAL/IM-{}-0001.jpeg", 0.2),
            ("pneumonia", "PNEUMONIA/person{}_virus_1.jpeg", 0.7),
        ):
            for n in range(0, 2000, 5):
                moved = shift if split == "test" and label == "normal" else 0
                rows.append((split, folder + name.format(n), label, level + moved + rng.uniform(0, 0.25)))
    split, case, label, score = zip(*rows, strict=True)
    return Scores(split, case, label, np.array(score), {})


def test_a_test_split_like_validation_keeps_every_promise():
    found = promises.promises(CARD, table=table(0))
    assert [promise.policy for promise in found] == list(promises.POLICIES)
    assert not any(promise.broken for promise in found)


def test_a_test_split_unlike_validation_breaks_them_and_says_by_how_much():
    (promise,) = promises.promises(CARD, [Policy("conformal", {"alpha": 0.1})], table=table(0.2))
    kept = promise.kept[0]
    assert promise.broken
    assert kept.specificity is not None
    assert promise.shortfall == {"specificity": pytest.approx(0.9 - kept.specificity.value)}


def test_what_was_kept_is_told_of_all_test_scans_then_of_home_then_of_others():
    (promise,) = promises.promises(CARD, [Policy("youden")], table=table(0))
    assert [kept.source for kept in promise.kept] == [promises.TEST, "Kermany", "Montgomery"]
    sizes = [kept.specificity.n for kept in promise.kept if kept.specificity]
    assert sizes[0] == sum(sizes[1:]) == 800


def test_a_promise_at_home_is_measured_on_the_sources_that_chose_the_threshold():
    rows = table(0)
    away = np.array(["montgomery" in case for case in rows.case])
    normal = np.array(rows.label) == "normal"
    moved = replace(rows, score=rows.score + 0.9 * (away & normal))
    (promise,) = promises.promises(CARD, [Policy("conformal", {"alpha": 0.1})], table=moved)
    assert promise.shortfall["specificity"] == pytest.approx(0.4, abs=0.06)
    assert promise.shortfall_at_home["specificity"] < 0.05
    assert [kept.home for kept in promise.kept] == [False, True, False]


def test_a_policy_that_finds_no_threshold_is_left_out():
    backwards = table(0)
    backwards = replace(backwards, score=-backwards.score)
    assert promises.promises(CARD, [Policy("youden"), Policy("f1")], table=backwards)[0].policy.name == "f1"


def shortfall(name: str) -> float:
    """Mean shortfall of specificity over the default cards on which the policy finds a threshold."""
    (policy,) = [policy for policy in promises.POLICIES if policy.name == name]
    found = [promise for card in DEFAULTS for promise in promises.promises(card, [policy])]
    assert len(found) >= len(DEFAULTS) / 2
    return float(np.mean([promise.shortfall["specificity"] for promise in found]))


def test_over_the_default_cards_groups_and_smoothing_keep_more_of_their_promise():
    assert shortfall("conformal-groups") < shortfall("conformal")
    assert shortfall("smoothed-youden") < shortfall("youden")


def test_films_of_a_patient_and_of_a_run_are_told_by_their_names():
    kermany = (
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/NORMAL/IM-0115-0002.jpeg",
        "train/NORMAL/IM-0116-0001.jpeg",
    )
    one, same, other = sources.patients(CHEST_FILM, kermany)
    assert one == same != other
    assert len(set(sources.runs(CHEST_FILM, kermany))) == 1
    second = sources.runs(
        CHEST_FILM, ["train/NORMAL/NORMAL2-IM-0115-0001.jpeg", "train/NORMAL/IM-0215-0001.jpeg"]
    )
    assert len({*second, sources.runs(CHEST_FILM, kermany)[0]}) == 3
    nih = sources.patients(
        CHEST_FILM, ["adults_nih/normal/00000123_000.png", "adults_rsna_128/films/00000123_004.png"]
    )
    assert len(set(nih)) == 1
    assert (
        len(set(sources.patients(HEAD_CT, ["brain_ct/Normal/100 (1).jpg", "brain_ct/Normal/100 (10).jpg"])))
        == 1
    )
    assert (
        len(set(sources.runs(BRAIN_MRI, ["train/notumor/Tr-no_0101.jpg", "train/notumor/Tr-no_0203.jpg"])))
        == 2
    )


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_every_shipped_row_has_a_source(card: Card):
    assert sources.OTHER not in sources.sources(card.modality, cards.scores(card).case)
