import numpy as np
import pytest

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.local_calibration import LocalCalibration, calibrate


def calibrated(
    normals, abnormal=(), patients=None, *, specificity: float = 0.9, **options
) -> LocalCalibration:
    scores = [*normals, *abnormal]
    labels = [0] * len(normals) + [1] * len(abnormal)
    names = [*(patients or range(len(normals))), *(f"a{k}" for k in range(len(abnormal)))]
    return calibrate(
        labels, scores, [str(name) for name in names], specificity=specificity, card_threshold=0.5, **options
    )


def test_twenty_normals_at_nine_tenths_give_the_nineteenth():
    scores = np.arange(20) / 20
    found = calibrated(np.random.default_rng(0).permutation(scores))
    assert found.rank == 19
    assert found.threshold == np.nextafter(scores[18], 1)
    assert found.after.specificity == 0.95
    assert found.before.specificity == 0.5


def test_new_normals_are_spared_as_promised_and_as_far_off_as_expected():
    rng = np.random.default_rng(1)
    kept = []
    for _ in range(400):
        found = calibrated(rng.normal(size=40), resamples=1)
        kept.append(np.mean(rng.normal(size=2000) < found.threshold))
    assert np.mean(kept) >= 0.9 - 0.01
    low, high = found.expected
    assert np.mean([low <= share <= high for share in kept]) == pytest.approx(0.9, abs=0.04)


def test_a_patient_with_many_films_counts_once():
    rng = np.random.default_rng(2)
    single = rng.normal(size=30)
    patients = [*range(30), *[0] * 200]
    found = calibrated([*single, *[5.0] * 200], patients=patients)
    assert found.patients == 30
    assert found.normals == 230
    assert found.threshold < 5  # two hundred films of one patient are no reason to cut above them


def test_the_interval_by_patients_is_wider_than_by_films_that_repeat_each_other():
    rng = np.random.default_rng(3)
    films = np.repeat(rng.normal(size=25), 8)
    by_film, by_patient = (
        calibrated(films, patients=names) for names in (None, [str(k // 8) for k in range(200)])
    )
    width = [high - low for low, high in (by_film.threshold_interval, by_patient.threshold_interval)]
    assert width[1] > width[0]


def test_abnormal_films_are_measured_and_choose_nothing():
    scores = np.arange(40) / 40
    without, with_some = calibrated(scores), calibrated(scores, abnormal=[0.2, 0.99, 1.0])
    assert with_some.threshold == without.threshold
    assert without.after.sensitivity is None
    assert with_some.after.sensitivity == pytest.approx(2 / 3)
    assert with_some.abnormal_scores is not None


def test_fewer_than_twenty_patients_are_refused():
    with pytest.raises(NotEnoughLabels, match=r"20 patients or more, and there are 19"):
        calibrated(range(19))
    with pytest.raises(NotEnoughLabels, match="there are 2:"):
        calibrated(range(40), patients=[k % 2 for k in range(40)])


def test_a_specificity_that_so_few_cannot_promise_is_refused_with_the_number_that_could():
    with pytest.raises(NotEnoughLabels, match=r"0\.99 needs normal scans of 99 patients or more"):
        calibrated(range(40), specificity=0.99)
    assert calibrated(range(99), specificity=0.99).rank == 99


@pytest.mark.parametrize("specificity", [0.0, 1.0, 1.5])
def test_a_specificity_that_is_none_is_refused(specificity: float):
    with pytest.raises(NoUsefulThreshold, match="between 0 and 1"):
        calibrated(range(40), specificity=specificity)
