"""A reader study, against published figures and against what can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import NotEnoughLabels, OpacityError
from core.evaluation import comparison, readers
from core.evaluation.readers import Covariances, Reading

# Van Dyke 1993: five readers, SE against cine MRI, 45 of 114 patients with a dissection; as analysed by
# RJafroc (dataset02) and MRMCaov, by the empirical AUC and the jackknife
AUCS = np.array(
    [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
)
KNOWN = Covariances(error=0.0008022883, cov1=0.0003466137, cov2=0.0003440748, cov3=0.0002390284)


def reading(reader: str, case: int, alone: int, helped: int, **other) -> Reading:
    return Reading(reader, f"{case}.png", case % 2 == 1, case / 10, alone, helped, 8.0, 5.0, **other)


def study() -> list[Reading]:
    """Two readers, eight cases, odd ones abnormal; the help mends one of Ann's, spoils one of Bob's."""
    ann = [1, 5, 2, 6, 1, 3, 2, 5], [1, 5, 2, 6, 1, 5, 2, 5]
    bob = [2, 6, 3, 5, 1, 5, 3, 4], [2, 6, 4, 5, 1, 5, 3, 4]
    return [
        reading(name, case, alone, helped)
        for name, rows in (("Ann", ann), ("Bob", bob))
        for case, (alone, helped) in enumerate(zip(*rows, strict=True))
    ]


def test_the_published_study_comes_out_as_published():
    found = readers.obuchowski_rockette(AUCS, KNOWN)
    assert found.value == pytest.approx(0.04380032, abs=1e-7)
    assert found.interval == pytest.approx((-0.0003588544, 0.0879594986), abs=1e-6)
    assert found.p == pytest.approx(0.05166569, abs=1e-6)


def test_the_jackknife_agrees_with_delong_on_one_readers_gain():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 120)
    own = rng.normal(size=(2, 1, 120))
    certainty = np.digitize(own + 1.2 * truth, [-1, 0, 0.5, 1, 2]) + 1.0
    both = np.repeat(certainty, 2, axis=1)  # the same reader twice
    known = readers.covariances(truth, both)
    assert known.cov2 == pytest.approx(known.error)
    assert known.cov3 == pytest.approx(known.cov1)
    exact = comparison.auc_difference(truth, certainty[0, 0], certainty[1, 0])
    half = (exact.interval[1] - exact.interval[0]) / 2
    assert 1.96 * np.sqrt(2 * (known.error - known.cov1)) == pytest.approx(half, rel=0.03)


def test_what_the_help_mended_and_spoiled_is_listed():
    found = readers.result(study(), 0.35)
    assert found.readers == ("Ann", "Bob")
    assert (found.cases, found.abnormal, found.left_out) == (8, 4, 0)
    assert [(one.reader, one.case) for one in found.mended] == [("Ann", "5.png")]
    assert [(one.reader, one.case) for one in found.hurt] == [("Bob", "2.png")]
    assert found.alone.sensitivity.value == 7 / 8
    assert found.helped.sensitivity.value == 1
    assert (found.alone.specificity.value, found.helped.specificity.value) == (1, 7 / 8)
    assert (found.alone.seconds, found.helped.seconds) == (8, 5)
    # Ann alone: 3 of an abnormal case stands above every normal one, so nothing is out of order
    assert found.alone.auc_of["Ann"][0] == 1
    assert found.alone.auc_of["Bob"][0] == 1
    assert found.helped.auc_of["Bob"][0] == 1 - 0.5 / 16  # one tie among 16 pairs
    assert found.gain.value == pytest.approx(-0.5 / 32)
    assert found.model[0] == pytest.approx(10 / 16)


def test_a_curve_has_a_point_for_every_certainty_and_the_model_one_at_its_threshold():
    found = readers.result(study(), 0.35)
    given = sorted({one.alone for one in study() if one.reader == "Ann"}, reverse=True)
    assert len(found.alone.curve["Ann"].x) == 1 + len(given)
    # cases 4 to 7 score 0.35 or more, two of them abnormal
    assert (found.point.true_positives, found.point.false_positives) == (2, 2)


def test_cases_without_label_or_not_read_by_all_are_left_out():
    rows = study()
    rows[0] = replace(rows[0], abnormal=None)
    found = readers.result(rows[:-1], 0.35)
    assert (found.cases, found.left_out) == (6, 2)


def test_one_reader_is_compared_by_delong():
    rows = study()[:8]
    found = readers.result(rows, 0.35)
    assert not found.random
    assert found.gain.p == 1


def test_files_that_differ_on_the_truth_are_refused():
    rows = study()
    rows[9] = replace(rows[9], abnormal=False)
    with pytest.raises(OpacityError, match=r"differ on whether 1\.png"):
        readers.result(rows, 0.35)


def test_too_few_labels_are_said():
    with pytest.raises(NotEnoughLabels, match="there are 1 and 1"):
        readers.result(study()[:2], 0.35)
    with pytest.raises(NotEnoughLabels):
        readers.result([], 0.35)


def test_a_file_comes_back_as_it_was_written():
    rows = [*study(), replace(study()[0], reader="Cy", abnormal=None)]
    assert readers.read(readers.write(rows).encode(), "a.csv") == tuple(rows)


@pytest.mark.parametrize(
    "spoiled", [b"\xff\xfe", b"reader,case\nAnn,1\n", None], ids=["bytes", "columns", "certainty"]
)
def test_a_file_that_is_no_study_is_named(spoiled: bytes | None):
    data = spoiled or readers.write([study()[0]]).replace(",1,1,", ",7,1,").encode()
    with pytest.raises(OpacityError, match=r"other\.csv is no reader study"):
        readers.read(data, "other.csv")
