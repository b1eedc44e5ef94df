"""Heat maps of an ensemble, and what is left of them when its members forget."""

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core.explainers import EXPLAINERS, trust
from core.explainers.ensemble import heat_map
from core.models.cnn import CNN
from core.models.ensemble import ClassifierEnsemble, Member, member_input
from core.types import InputSpec

SCALES = (0.5, 4.0)


@pytest.fixture
def ensemble() -> ClassifierEnsemble:
    """Two untrained networks of unlike inputs and unlike full colours."""
    torch.manual_seed(0)
    both = ClassifierEnsemble(members="small@0 large@0").eval()
    both.set_members(
        [
            Member(
                CNN(width=8).eval(),
                InputSpec(side, 1, (0.5,), (0.25,), "lungs"),
                dict.fromkeys(EXPLAINERS, scale),
            )
            for side, scale in zip((32, 64), SCALES, strict=True)
        ]
    )
    return both


@pytest.fixture(scope="module")
def film() -> Tensor:
    return torch.rand(1, 1, 96, 96, generator=Generator().manual_seed(0))


@pytest.mark.parametrize("method", EXPLAINERS)
def test_the_map_of_an_ensemble_is_the_mean_of_its_members_over_their_full_colours(
    ensemble: ClassifierEnsemble, film: Tensor, method: str
):
    heat = heat_map(ensemble, film, 1, method)
    maps = [
        EXPLAINERS[method](member.network, member_input(member, film), 1)[None, None] / scale
        for member, scale in zip(ensemble.loaded_members(), SCALES, strict=True)
    ]
    assert heat.shape == film.shape[-2:]
    assert torch.allclose(
        heat, sum(F.interpolate(one, (96, 96), mode="bilinear")[0, 0] for one in maps) / 2, atol=1e-6
    )


def test_progress_runs_once_over_all_members(ensemble: ClassifierEnsemble, film: Tensor):
    told: list[float] = []
    heat_map(ensemble, film, 1, "score-cam", progress=told.append)
    assert told == sorted(told)
    assert 0 < told[0] < 0.5 in told
    assert told[-1] == 1


@pytest.mark.parametrize("stage", trust.STAGES)
def test_all_members_of_a_randomised_ensemble_forget_and_the_ensemble_does_not(
    ensemble: ClassifierEnsemble, film: Tensor, stage: str
):
    before = [
        {name: value.clone() for name, value in member.network.state_dict().items()}
        for member in ensemble.loaded_members()
    ]
    films = film.repeat(4, 1, 1, 1)
    other = trust.randomised(ensemble, stage, films, Generator().manual_seed(0))
    assert isinstance(other, ClassifierEnsemble)
    for member, kept, known in zip(other.loaded_members(), ensemble.loaded_members(), before, strict=True):
        assert all(torch.equal(value, known[name]) for name, value in kept.network.state_dict().items())
        changed = {
            name.split(".")[0]
            for name, value in member.network.state_dict().items()
            if (value != known[name]).any()
        }
        assert changed == ({"dense"} if stage == "head" else {"dense", "blocks"})
        assert member.input == kept.input
        assert member.scales == kept.scales
    assert not torch.equal(other(film), ensemble(film))
