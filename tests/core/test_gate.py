from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import cards, gate
from core.anatomy import lungs
from core.card_types import Card
from core.errors import CardError, OpacityError, RefusedScan
from core.feature_density import FeatureDensity
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.reading import images
from core.types import Scan

CARD = next(card for card in cards.every() if card.input.region == "lungs")


def scan_of(pixels: np.ndarray) -> Scan:
    return Scan(pixels.astype(np.float32), "digest", "film.png")


def test_a_chest_film_passes(drawn: Scan):
    gate.check(drawn, CARD)


def test_a_thumbnail_is_refused_with_its_size():
    with pytest.raises(RefusedScan, match=r"film\.png is 40 x 30 pixels"):
        gate.check(scan_of(np.random.default_rng(0).random((30, 40))), CARD)


def test_a_blank_image_is_refused():
    with pytest.raises(RefusedScan, match="blank"):
        gate.check(scan_of(np.full((200, 200), 0.4)), CARD)


def test_a_colour_photograph_is_refused_with_the_share(drawn: Scan):
    with pytest.raises(RefusedScan, match=r"photograph \(colour in 83% of pixels, at most 5% is usual\)"):
        gate.check(replace(drawn, colour_share=0.83), CARD)


def test_another_modality_is_named(drawn: Scan):
    with pytest.raises(RefusedScan, match="its modality is MR"):
        gate.check(replace(drawn, modality="MR"), CARD)


HEAD = replace(CARD, modality="head CT slice", gate=None)


def head() -> Scan:
    """An ellipse with a bright rim in the dark."""
    rows, columns = np.meshgrid(*[np.linspace(-1, 1, 224)] * 2, indexing="ij")
    radius = np.hypot(rows / 0.75, columns / 0.6)
    return scan_of(np.where(radius < 0.9, 0.4, np.where(radius < 1, 0.95, 0.0)))


def test_a_chest_film_is_refused_by_a_card_for_heads(drawn: Scan):
    with pytest.raises(
        RefusedScan, match=r"looks like a chest film\. This model reads head CT slices"
    ) as caught:
        gate.check(drawn, HEAD, replace(lungs.find(drawn), confidence=0.97))  # as real films have it
    assert caught.value.test == "chest"
    gate.check(head(), HEAD)


def test_a_slice_with_white_bone_is_refused_by_a_card_for_mri_and_one_without_by_a_card_for_ct():
    on_mri = replace(HEAD, modality="brain MRI slice")
    with pytest.raises(
        RefusedScan, match=r"a skull as white as on CT \(\d+% of the head; at most 8%"
    ) as caught:
        gate.check(head(), on_mri)
    assert caught.value.test == "bone"
    pale = replace(head(), pixels=np.minimum(head().pixels, 0.4 + np.linspace(0, 0.3, 224)[:, None]))
    gate.check(pale, on_mri)
    with pytest.raises(RefusedScan, match=r"no skull was found .* at least 5% is usual"):
        gate.check(pale, HEAD)


@pytest.mark.parametrize(("odds", "passes"), [(3.0, False), (-3.0, True)])
def test_where_skulls_are_pale_the_learned_odds_of_another_modality_decide(
    odds: float, passes: bool, monkeypatch: pytest.MonkeyPatch
):
    like = FeatureDensity(
        *(torch.zeros(512), torch.ones(512), torch.zeros(512, 1), torch.ones(1), torch.full((1,), 1e9)),
        against=torch.tensor([0.0] * 512 + [odds]),
    )
    monkeypatch.setattr(gate, "_density", lambda *_: like)
    assert CARD.gate is not None
    on_ct = replace(CARD, modality=HEAD_CT)
    on_mri = replace(CARD, modality=BRAIN_MRI)
    pale = replace(
        head(), pixels=np.minimum(head().pixels, 0.4 + np.linspace(0, 0.3, 224)[:, None]), turned=True
    )
    if passes:
        gate.check(pale, on_mri)
        gate.check(pale, on_ct)  # a pale skull may be there, as long as the rest is not MRI
        return
    with pytest.raises(RefusedScan, match="looks more like a CT slice") as caught:
        gate.check(pale, on_mri)
    assert caught.value.test == "kind"
    with pytest.raises(RefusedScan, match="no skull was found"):
        gate.check(pale, on_ct)


def test_a_chest_film_turned_negative_is_not_offered_to_a_card_for_heads(drawn: Scan):
    with pytest.raises(RefusedScan) as caught:
        gate.check(drawn, HEAD, replace(lungs.find(drawn), confidence=0.97))
    assert "negative" not in str(caught.value)


def test_a_card_for_heads_names_another_modality():
    gate.check(replace(head(), modality="CT"), HEAD)
    with pytest.raises(RefusedScan, match="its modality is MR"):
        gate.check(replace(head(), modality="MR"), HEAD)


def test_a_lateral_view_is_named(drawn: Scan):
    with pytest.raises(RefusedScan, match=r"lateral view \(LL\)"):
        gate.check(replace(drawn, acquisition={"ViewPosition": "LL"}), CARD)


def test_a_patient_of_another_age_than_the_card_knows_is_named(drawn: Scan):
    aged = {years: replace(drawn, acquisition={"PatientAge": str(years)}) for years in (4, 45)}
    children = replace(CARD, ages=(1, 5))
    gate.check(aged[4], children)
    gate.check(aged[45], replace(CARD, ages=None))
    with pytest.raises(RefusedScan, match=r"45 years old.*patients of 1 to 5 years") as caught:
        gate.check(aged[45], children)
    assert caught.value.test == "age"


def test_the_scout_of_a_ct_is_a_film(drawn: Scan):
    gate.check(replace(drawn, modality="CT", acquisition={"ImageType": "ORIGINAL, PRIMARY, LOCALIZER"}), CARD)


def test_a_refusal_names_its_test(drawn: Scan):
    with pytest.raises(RefusedScan) as caught:
        gate.check(replace(drawn, modality="US"), CARD)
    assert caught.value.test == "modality"


def test_a_negative_is_recognised_and_can_be_turned_back(drawn: Scan):
    negative = replace(drawn, pixels=1 - drawn.pixels)
    with pytest.raises(RefusedScan, match=r"looks like a negative.*Turn it back") as caught:
        gate.check(negative, CARD)
    assert caught.value.test == "negative"
    gate.check(images.turned_back(negative), CARD)


def test_a_scan_unlike_the_cards_films_is_refused_with_its_distance(drawn: Scan):
    assert CARD.gate is not None
    strict = replace(CARD, gate=replace(CARD.gate, threshold=0.5))
    with pytest.raises(RefusedScan, match=r"unlike the films .*\(distance \d\.\d\d, at most 0\.50") as caught:
        gate.check(drawn, strict)
    assert caught.value.test == "unlike"


def test_an_altered_check_is_an_error_and_no_pass(drawn: Scan, tmp_path: Path):
    (tmp_path / CARD.id).mkdir()
    with pytest.raises(CardError, match=r"gates/.*\.safetensors is missing.*python -m train\.gate"):
        gate.check(drawn, CARD, root=tmp_path)
    (tmp_path / CARD.id / "gate.safetensors").write_bytes(b"something else")
    with pytest.raises(CardError, match="not the file its card was written for"):
        gate.check(drawn, CARD, root=tmp_path)


def test_cards_taught_the_same_films_share_one_check(drawn: Scan, tmp_path: Path):
    cards.write_gate(cards.gate(CARD), tmp_path)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
    gate.check(drawn, CARD, root=tmp_path)
    gate.check(drawn, replace(CARD, id="sister"), root=tmp_path)


def test_only_checks_that_cards_name_stay(tmp_path: Path):
    for card in (CARD, replace(CARD, id="sister")):
        (tmp_path / card.id).mkdir()
        cards.write_card(card, tmp_path)
    for data in (cards.gate(CARD), b"of a card that is no more"):
        cards.write_gate(data, tmp_path)
    cards.drop_unused_gates(tmp_path)
    assert [path.read_bytes() for path in (tmp_path / cards.GATES).iterdir()] == [cards.gate(CARD)]


def test_no_shipped_check_is_unused():
    named = {card.gate.sha256[:12] for card in cards.every() if card.gate}
    assert {path.stem for path in (cards.WEIGHTS / cards.GATES).iterdir()} == named


@pytest.mark.parametrize("card", [c for c in cards.every() if c.modality == CHEST_FILM], ids=lambda c: c.id)
def test_every_chest_card_was_measured_and_keeps_its_promises(card: Card):
    assert card.gate is not None, "run: python -m train.gate --data DATA"
    assert cards.gate(card)
    table = {row.kind: row for row in card.gate.refusals}
    welcome = ["adults' normal films, held out"]
    if card.task != "tuberculosis":  # learned from adults alone
        welcome.append("children's films, official test")
    for kind in welcome:
        assert table[kind].refused / table[kind].n <= 0.02
    strangers = [table[kind] for kind in ("photographs", "drawings", "text pages", "noise")]
    assert sum(row.refused for row in strangers) / sum(row.n for row in strangers) >= 0.98
    others = [table[kind] for kind in table if kind.startswith(("brain", "head", "DICOM CT", "DICOM, other"))]
    assert sum(row.refused for row in others) / sum(row.n for row in others) >= 0.95


@pytest.mark.parametrize("kind", ["noise", "ramp", "text"])
def test_pictures_without_lungs_are_refused(kind: str):
    rng = np.random.default_rng(0)
    pictures = {
        "noise": rng.random((224, 224)),
        "ramp": np.tile(np.linspace(0, 1, 224), (224, 1)),
        "text": (rng.random((28, 28)) > 0.8).repeat(8, 0).repeat(8, 1).astype(float),
    }
    with pytest.raises(RefusedScan, match=r"lungs|unlike"):
        gate.check(scan_of(pictures[kind]), CARD)


def test_a_card_for_other_pictures_asks_for_no_lungs():
    other = replace(CARD, modality="brain MRI slice", gate=None)
    gate.check(scan_of(np.random.default_rng(0).random((224, 224))), other)


def test_a_chest_card_that_sees_the_whole_film_asks_for_lungs_too():
    whole = replace(CARD, input=replace(CARD.input, region="whole"))
    with pytest.raises(RefusedScan, match="chest films"):
        gate.check(scan_of(np.random.default_rng(0).random((224, 224))), whole)


def refused(files: list[Path], card: Card) -> float:
    """Share of the readable files that the gate refuses."""
    answers: list[bool] = []
    for path in files:
        try:
            gate.check(images.read(path.read_bytes(), path.name), card)
            answers.append(False)
        except RefusedScan:
            answers.append(True)
        except OpacityError:
            continue
    return sum(answers) / len(answers)


def test_films_of_three_sources_are_hardly_ever_refused(data: Path):
    assert refused(sorted((data / "chest_xray/test").rglob("*.jpeg"))[::6], CARD) <= 0.02
    assert refused(sorted((data / "covid_radiography/Normal").iterdir())[::40], CARD) <= 0.02
    assert refused(sorted((data / "dicom/cxr").iterdir()), CARD) == 0


def test_the_one_modality_that_admits_a_scan_is_what_it_is(drawn: Scan):
    assert gate.modality_of(drawn, [CARD, HEAD]) == CHEST_FILM
    assert gate.modality_of(head(), [CARD, HEAD]) == HEAD_CT
    assert gate.modality_of(head(), [HEAD, replace(HEAD, modality=BRAIN_MRI)]) in (None, HEAD_CT)
    assert gate.modality_of(scan_of(np.full((200, 200), 0.4)), [CARD, HEAD]) is None
