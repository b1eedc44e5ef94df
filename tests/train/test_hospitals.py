import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.models import AdaptedTransformer, LungMobileNetV2
from core.models.border import Border, SourceGuess
from core.models.lung_head import LungHead
from core.models.unet import UNet
from tests.phantoms.chest import chest, png
from train.data import hospitals, near_copies
from train.data.datasets import Case
from train.hospitals import __main__ as campaign
from train.hospitals import held_out, learn, pixels, publish
from train.hospitals.learn import Asked, Plan
from train.hospitals.store import Store


def row(source: str, label: str, sub: str = "", split: str = "train", view: str = "") -> dict[str, str]:
    return {"source": source, "label": label, "sub": sub or source, "split": split, "view": view}


ROWS = [
    row("kermany", "normal", "small"),
    row("kermany", "bacterial", "small"),
    row("kermany", "viral", "small"),
    row("covidrad", "covid"),
    row("covidrad", "normal"),
    row("nih", "normal", "rsna128", view="PA"),
    row("nih", "normal", "rsna128", view="PA"),
    row("nih", "normal", "rsna128", view="AP"),
    row("nih", "opacity", "rsna128", view="AP"),
    row("nih", "other", "rsna128", view="AP"),
    row("nih", "pneumonia", "nih352", split="validation"),
    row("shenzhen", "normal"),
    row("shenzhen", "tuberculosis"),
]


def test_leaving_nih_out_leaves_out_the_normals_that_covid_radiography_took_from_there():
    plan = Plan("a", "lung-mobilenet-v2", left_out=("nih",))
    drawn = learn.draws(ROWS, plan) > 0
    assert not any(d for d, r in zip(drawn, ROWS, strict=True) if learn.source_of(r) == "nih")
    assert not drawn[4]
    assert drawn[3]


def test_validation_films_are_never_drawn_and_normals_are_half_of_what_is():
    mass = learn.draws(ROWS, Plan("a", "lung-mobilenet-v2"))
    answer = learn.truth(ROWS, "pneumonia").numpy()
    assert mass[10] == 0
    assert mass.sum() == pytest.approx(1)
    assert mass[answer == 0].sum() == pytest.approx(mass[answer == 1].sum())


def test_both_views_of_a_kind_are_drawn_as_often():
    mass = learn.draws(ROWS, Plan("a", "lung-mobilenet-v2"))
    assert mass[5] + mass[6] == pytest.approx(mass[7])


def test_a_film_teaches_only_the_heads_that_it_has_an_answer_for():
    assert learn.truth(ROWS, "tuberculosis")[0] == -1
    assert learn.truth(ROWS, "opacity")[9] == 2
    assert learn.truth(ROWS, "pneumonia")[9] == -1


def test_a_step_of_training_changes_the_network_and_looks_into_the_lungs():
    store = Store(
        torch.randint(0, 255, (len(ROWS), 1, pixels.SIDE, pixels.SIDE), dtype=torch.uint8),
        torch.ones(len(ROWS), 1, pixels.GRID, pixels.GRID, dtype=torch.uint8),
        ROWS,
    )
    network = LungMobileNetV2(channels=3, layers=4)
    asked = Asked(network, network.width)
    before = network.answer.linear.weight.clone()
    plan = Plan("a", "lung-mobilenet-v2", steps=2, batch=4, size=96, robust=0.1)
    learn.learn(asked, store, plan)
    assert not torch.equal(before, network.answer.linear.weight)
    found = learn.logits(asked, store, 96, black=True)
    assert {name: found[name].shape for name in found} == {
        name: (len(ROWS), classes) for name, classes in learn.HEADS.items()
    }


def test_kinds_that_do_badly_come_to_count_for_more():
    lesson = learn.Lesson(None, None, {}, torch.tensor([0, 0, 1, 1]))  # type: ignore[arg-type]
    robust = learn.Robust(lesson, 0.5)
    each, known = torch.tensor([0.1, 0.1, 3.0, 3.0]), torch.ones(4, dtype=torch.bool)
    robust.weigh(each, known, lesson.kinds)
    assert robust.weights[1] > robust.weights[0]
    assert torch.equal(learn.Robust(lesson, 0.0).weigh(each, known, lesson.kinds), each)


def test_what_is_blackened_outside_the_hull_stays_black():
    crops = torch.randint(0, 255, (6, 1, pixels.SIDE, pixels.SIDE), dtype=torch.uint8)
    hulls = torch.zeros(6, 1, pixels.GRID, pixels.GRID, dtype=torch.uint8)
    hulls[:, :, 24:48, 24:48] = 1
    seen = pixels.another_day(crops, hulls, 224, black=1.0, swapped=0.0)
    assert torch.isfinite(seen.films).all()
    assert (seen.films[:, :, :4, :4] == 0).all()
    assert pixels.plain(crops, hulls, 224, black=True).films[0, 0, 0, 0] == 0


def test_attention_sums_to_one_and_leaves_what_it_does_not_weigh():
    head = LungHead(8, 2).eval()
    f = torch.randn(3, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    assert head.attention(f).sum((1, 2, 3)).tolist() == pytest.approx([1, 1, 1])


def test_adapters_change_nothing_before_they_have_learned():
    from core.models.backbones import VisionTransformer

    torch.manual_seed(0)
    base = VisionTransformer().eval()
    network = AdaptedTransformer(rank=2).eval()
    network.set_base(base)
    x = torch.randn(1, 3, 224, 224)
    assert torch.equal(network.features(x), torch.cat(base(x), dim=1))
    assert network(torch.randn(1, 3, 336, 336)).shape == (1, 2)


def test_calibration_undoes_a_scale_and_a_shift():
    generator = torch.Generator().manual_seed(0)
    odds = torch.randn(4000, generator=generator) * 2
    truth = (torch.rand(4000, generator=generator) < torch.sigmoid(odds)).long()
    logits = torch.stack([torch.zeros(4000), odds * 3 + 1], dim=1)
    scale, shift = publish.fitted(logits, truth, biased=True)
    assert scale == pytest.approx(1 / 3, rel=0.1)
    assert float(shift[1] - shift[0]) == pytest.approx(-1 / 3, abs=0.1)


def test_a_calibrated_head_gives_what_its_table_says():
    head = LungHead(8, 2).eval()
    f = torch.randn(40, 8, 5, 5, generator=torch.Generator().manual_seed(1))
    cases = [Case(None, str(i), "normal" if i % 3 else "pneumonia", str(i), "validation") for i in range(40)]  # type: ignore[arg-type]
    held = publish.Held(publish.ALL_AGES, cases, {"small": head(f).detach()})
    said = publish.calibrate(head, held, "small")
    assert torch.allclose(head(f), said, atol=1e-4)


def test_the_border_sees_no_lung():
    torch.manual_seed(0)
    x = torch.rand(2, 1, 224, 224)
    inside = x.clone()
    inside[..., 40:-40, 40:-40] = 0
    for network in (Border().eval(), SourceGuess(sources=3).eval()):
        assert torch.equal(network(x), network(inside))
        assert not torch.equal(network(x), network(1 - x)) or isinstance(network, SourceGuess)


def test_copies_are_found_by_their_looks_and_others_are_not():
    films = torch.rand(5, 48, 48, generator=torch.Generator().manual_seed(0)).flatten(1)
    films[3] = films[1] * 0.5 + 0.2
    seen = torch.nn.functional.normalize(films - films.mean(1, keepdim=True))
    assert near_copies.near_copies(seen) == [(1, 3)]


def film(source: str, label: str, name: str, patient: str, split: str = "train") -> hospitals.Film:
    return hospitals.Film(Case(None, name, label, patient, split), source, label)  # type: ignore[arg-type]


def test_films_of_a_patient_and_copies_stay_together_whatever_set_they_are_of():
    films = [film("nih352", "normal", f"a{i}", f"nih-{i // 2}") for i in range(40)]
    films += [film("covid_radiography", "covid", f"c{i}", f"c{i}") for i in range(20)]
    films += [film("lesions", "covid", "l", "l")]
    pairs = [(40, 41), (42, 60)]
    split = hospitals._drawn(films, hospitals._groups(films, pairs))
    assert all(split[2 * i] == split[2 * i + 1] for i in range(20))
    assert split[40] == split[41]
    assert {split[i] for i in range(40)} == {"train", "validation", "test"}


def test_normals_of_covid_radiography_count_as_nih():
    assert film("covid_radiography", "normal", "x", "x").hospital == "nih"
    assert film("covid_radiography", "covid", "x", "x").hospital == "covid_radiography"
    assert replace(film("chest_xray_large", "viral", "x", "x")).hospital == "kermany"


def test_figures_of_a_source_need_both_of_its_classes():
    from core.card_types import Scores
    from train.hospitals import sources

    rng = np.random.default_rng(0)
    cases = [f"test/{i}" for i in range(30)] + [f"tuberculosis/shenzhen/{i}" for i in range(10)]
    labels = ["normal" if i % 2 else "pneumonia" for i in range(30)] + ["normal"] * 10
    scores = Scores(("test",) * 40, tuple(cases), tuple(labels), rng.random(40), {})
    card = type(
        "Card", (), {"labels": ("normal", "pneumonia"), "policy": publish.ALL_AGES, "threshold": 0.5}
    )()
    found = sources.figures(card, scores)
    assert found["scans of Kermany"] == 30
    assert "scans of Shenzhen" not in found
    assert "calibration slope" in found


def test_a_held_out_film_corrected_under_its_old_name_is_asked_anew(tmp_path: Path):
    asked = {"small": small()}
    path = tmp_path / "film.png"
    case, found = Case(path, path.name, "normal", "1", "test"), []
    for film in (chest(96, seed=1), chest(96, opacity=0.5, seed=2), chest(96, seed=1)):
        path.write_bytes(png(film))
        found.append(held_out.logits(asked, [case], tmp_path / "runs")["small"]["pneumonia"])
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[1])


def small() -> Asked:
    torch.manual_seed(0)
    network = LungMobileNetV2(channels=3, layers=14)
    return Asked(network, network.width).eval()


def test_films_are_decoded_anew_when_they_or_the_segmenter_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    films, segmenter = tmp_path / "films", tmp_path / "segmenter.safetensors"
    films.mkdir()
    (films / "films.json").write_text("[]")
    (films / "films.bin").write_bytes(b"one")
    torch.manual_seed(0)
    save_file(UNet().state_dict(), segmenter)
    arguments = argparse.Namespace(films=films, segmenter=segmenter, work=tmp_path / "work")
    built = []

    def build(folder: Path, *_: object) -> Store:
        built.append((folder / "films.bin").read_bytes())
        return Store(torch.zeros(0), torch.zeros(0), [])

    monkeypatch.setattr(campaign.decoding, "build", build)
    for change in (None, None, "film", "segmenter"):
        if change == "film":
            (films / "films.bin").write_bytes(b"two")
        if change == "segmenter":
            save_file(UNet().state_dict(), segmenter)
        campaign.decode_films(arguments)
    assert built == [b"one", b"two", b"two"]


def test_a_teacher_of_other_films_is_refused(tmp_path: Path):
    torch.save(("other", {}, {}), tmp_path / "first.pt")
    with pytest.raises(SystemExit, match="learned from other films"):
        campaign.teacher(argparse.Namespace(work=tmp_path), "first", "ours")
