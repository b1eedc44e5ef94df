"""A Gaussian over features, free along a few axes."""

from dataclasses import replace

import pytest
import torch

from core import feature_density
from core.errors import CardError


def films(count: int) -> torch.Tensor:
    """Features that vary along one direction and hardly along the others."""
    generator = torch.Generator().manual_seed(0)
    along, noise = torch.randn(count, 1, generator=generator), torch.randn(count, 8, generator=generator)
    return along * torch.tensor([3.0, 2.0, 1, 0, 0, 0, 0, 0]) + 0.3 * noise


def test_films_of_the_set_lie_at_about_one():
    like = feature_density.fit(films(2000), axes=2)
    assert float(like.distance(films(2000)).mean()) == pytest.approx(1, abs=0.1)


def test_a_stranger_lies_further_than_any_film():
    like = feature_density.fit(films(2000), axes=7)
    stranger = torch.tensor([[3.0, -2.0, 1, 0, 0, 0, 0, 0]])  # each figure usual, together never seen
    assert float(like.distance(stranger)[0]) > float(like.distance(films(2000)).max())


def test_it_survives_storing():
    like = feature_density.fit(films(200), axes=2)
    again = feature_density.unpack(feature_density.pack(like))
    assert torch.equal(again.distance(films(9)), like.distance(films(9)))


def test_the_odds_of_another_kind_are_kept_and_are_none_where_none_was_learned():
    like = feature_density.fit(films(200), axes=2)
    assert like.log_odds(films(3)) is None
    weights = torch.tensor([2.0, 0, 0, 0, 0, 0, 0, 0, -1])
    again = feature_density.unpack(feature_density.pack(replace(like, against=weights)))
    z = (films(3) - like.mean) / like.scale
    assert torch.allclose(again.log_odds(films(3)), 2 * z[:, 0] - 1)


def test_other_bytes_are_refused():
    with pytest.raises(CardError, match=r"train\.gate"):
        feature_density.unpack(b"not a file of tensors")
