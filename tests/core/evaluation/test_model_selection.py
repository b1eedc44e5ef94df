"""The choice follows from validation scores alone, and its cost on test is told as it is."""

import pytest

from core.evaluation.model_selection import Candidate, LabelledScores, balanced, low_resource, triage

LABELS = (0, 0, 0, 0, 1, 1, 1, 1)
PERFECT = LabelledScores(LABELS, (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9))
# one normal at the top: every abnormal is found when that one is given up, none when it is not
ONE_ALARM = LabelledScores(LABELS, (0.1, 0.2, 0.3, 0.95, 0.6, 0.7, 0.8, 0.9))
# one abnormal at the bottom: three of four found at no false alarm
ONE_MISSED = LabelledScores(LABELS, (0.1, 0.2, 0.3, 0.4, 0.05, 0.7, 0.8, 0.9))
BACKWARDS = LabelledScores(LABELS, PERFECT.scores[::-1])


def candidate(name, validation, test=PERFECT, milliseconds=None):
    return Candidate(name, validation, test, milliseconds)


def test_triage_takes_the_most_sensitive_at_the_specificity_kept():
    one_alarm, one_missed = candidate("alarm", ONE_ALARM), candidate("missed", ONE_MISSED)
    loose = triage([one_missed, one_alarm], specificity=0.75)
    assert (loose.card_id, loose.figure) == ("alarm", 1.0)
    strict = triage([one_missed, one_alarm], specificity=0.9)
    assert (strict.card_id, strict.figure) == ("missed", 0.75)
    assert strict.ranking == (("missed", 0.75), ("alarm", 0.0))


def test_balanced_takes_the_best_mean_of_both_rates():
    choice = balanced([candidate("missed", ONE_MISSED), candidate("perfect", PERFECT)])
    assert (choice.card_id, choice.figure) == ("perfect", 1.0)
    # 3 of 4 found, no false alarm
    assert choice.ranking == (("perfect", 1.0), ("missed", 0.875))


def test_of_equals_the_one_with_the_higher_auc_is_taken():
    # both find all at one false alarm in four; the second ranks that normal below three abnormal cases
    lower = LabelledScores(LABELS, (0.1, 0.2, 0.3, 0.65, 0.6, 0.7, 0.8, 0.9))
    choice = triage([candidate("first", ONE_ALARM), candidate("second", lower)], specificity=0.75)
    assert choice.card_id == "second"
    assert [figure for _, figure in choice.ranking] == [1.0, 1.0]


def test_low_resource_takes_the_most_auc_for_its_time_near_the_best():
    slow, quick = (
        candidate("slow", PERFECT, milliseconds=100.0),
        candidate("quick", ONE_MISSED, milliseconds=10.0),
    )
    # AUC 1 and 12/16
    near = low_resource([slow, quick], margin=0.3)
    assert (near.card_id, near.figure) == ("quick", pytest.approx(0.075))
    far = low_resource([slow, quick], margin=0.2)
    assert (far.card_id, far.figure) == ("slow", pytest.approx(0.01))


def test_low_resource_knows_nothing_of_cards_that_nobody_measured():
    assert low_resource([candidate("perfect", PERFECT)]) is None
    # the best of all sets the mark even when it was not measured itself
    unmeasured, poor = candidate("perfect", PERFECT), candidate("poor", ONE_MISSED, milliseconds=1.0)
    assert low_resource([unmeasured, poor], margin=0.01) is None


def test_test_scores_choose_nothing():
    good, bad = candidate("good", PERFECT, BACKWARDS), candidate("bad", ONE_MISSED, PERFECT)
    choice = balanced([good, bad])
    assert choice.card_id == "good"
    assert choice.validation.sensitivity == 1
    # validation parts the classes between 0.4 and 0.6; backwards, everything falls on the wrong side
    assert choice.validation.threshold == pytest.approx(0.5)
    assert (choice.test.sensitivity, choice.test.specificity) == (0, 0)
    assert choice.test.threshold == choice.validation.threshold


def test_a_card_no_better_than_chance_is_passed_over():
    assert balanced([candidate("backwards", BACKWARDS)]) is None
    choice = balanced([candidate("backwards", BACKWARDS), candidate("missed", ONE_MISSED)])
    assert [name for name, _ in choice.ranking] == ["missed"]


def test_without_candidates_there_is_no_choice():
    assert triage([]) is balanced([]) is low_resource([]) is None
