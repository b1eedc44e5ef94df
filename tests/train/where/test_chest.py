"""A head on a chest card's maps: what teaches it, and how its parts are weighed."""

from pathlib import Path

import torch
from torch import Generator, Tensor

from core.models import LungEvidence
from core.models.cnn import CNN
from core.types import Frame
from train.data.datasets import Case
from train.data.hospitals import Film
from train.outlines.chest import SIDE, Known, number
from train.where import chest


def known(source: str, label: str) -> Known:
    """A film of which the upper left quarter is marked, where it shows any opacity."""
    outline = torch.zeros(1, SIDE, SIDE)
    outline[:, : SIDE // 2, : SIDE // 2] = label == "opacity"
    case = Case(Path("film.png"), "film.png", label, "one", "train")
    frame = Frame((0, 0, 1, 1), (1, 1))
    return Known(Film(case, source, label), torch.zeros(8, 16, 16), frame, outline, torch.ones_like(outline))


def network() -> LungEvidence:
    torch.manual_seed(0)
    made = LungEvidence(of="below@0", classes=2, width=8)
    made.set_base(CNN(width=96))
    return made.eval()


def odds(logits: Tensor) -> Tensor:
    return logits[:, 1] - logits[:, 0]


def test_weighed_parts_are_what_the_network_says_from_then_on():
    model, generator = network(), Generator().manual_seed(1)
    truth = torch.arange(200) % 2
    film = torch.randn(200, generator=generator) + truth
    f = torch.randn(200, 8, 4, 4, generator=generator) + truth[:, None, None, None]
    answer = torch.stack([torch.zeros(200), film], 1)[:, :, None, None].expand(-1, -1, 4, 4)
    with torch.no_grad():
        model.last.weight.fill_(1.0)
        said = chest.weigh(model, odds(model.places(f)), film, truth, torch.ones(200, dtype=torch.bool))
        assert torch.allclose(odds(model.head(torch.cat([f, answer], 1))), said, atol=1e-3)
    assert torch.isclose(said.sigmoid().mean(), torch.tensor(0.5), atol=0.01)


def test_every_source_and_label_is_drawn_as_often():
    films = [known("rsna128", "normal")] * 6 + [known("rsna128", "opacity")] * 2 + [known("nih352", "normal")]
    drawn = chest.often(films)
    assert torch.allclose(torch.stack([drawn[:6].sum(), drawn[6:8].sum(), drawn[8]]), torch.ones(3))


def test_an_outline_becomes_the_share_of_each_place_and_a_film_without_one_says_so():
    lesson = chest.lesson_of([known("rsna128", "opacity"), known("nih352", "pneumonia")])
    assert lesson.outlined.tolist() == [True, False]
    assert lesson.truth.tolist() == [1, 1]
    assert lesson.outlines[0, :8, :8].eq(1).all()
    assert lesson.outlines[0].sum() == 64


def test_nothing_held_out_teaches(data: Path):
    films = chest.films_to_learn(data)
    outlined = [film for film in films if film.source == "lesions"]
    assert outlined
    assert not any(number(film) % 2 for film in outlined)
    assert {film.case.split for film in films if film.source != "lesions"} == {"train"}
