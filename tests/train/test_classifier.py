import pytest
import torch
from torch import Generator, nn

from core.models import Classifier
from core.models.frozen import FrozenBaseClassifier
from tests.phantoms.chest import chest
from train.classifier import Split, train_classifier
from train.fit import calibration, loop, recipes, views
from train.fit.metrics import mean_auc
from train.fit.recipes import RECIPES, Recipe

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


@pytest.fixture(scope="module")
def drawn() -> Split:
    """Twelve drawn films; the second half carries a bright patch."""
    films = torch.stack([torch.from_numpy(chest(seed=seed))[None] for seed in range(12)]).half()
    films[6:, :, 80:140, 120:180] = 1.0
    return Split(films, WHOLE.expand(12, -1).clone(), torch.arange(12) // 6)


def tiny(**changes: object) -> Recipe:
    settings = loop.Settings(epochs=1, batch=6, bf16=False)
    return Recipe(**{"model": "cnn", "title": "Tiny", "size": 64, "settings": settings, **changes})  # type: ignore[arg-type]


def test_a_recipe_is_learned_head_first(drawn: Split, tmp_path):
    recipe = tiny(warm_up=1)
    network = recipes.build(recipe, 2)
    outcome = train_classifier(network, recipe, recipe.input("whole"), drawn, drawn, tmp_path / "a", tmp_path)
    assert (tmp_path / "a/head/checkpoint.pt").is_file()
    assert {"auc", "auc_blurred", "auc_shifted"} <= outcome.curve[0].keys()
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_frozen_layers_stay_as_they_were(drawn: Split, tmp_path):
    recipe = tiny(frozen=("blocks.0.",))
    torch.manual_seed(0)
    network = recipes.build(recipe, 2)
    recipes.initialise(network, recipe, "")
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    learned = train_classifier(
        network, recipe, recipe.input("whole"), drawn, drawn, tmp_path, tmp_path
    ).network
    same = {name: torch.equal(tensor, before[name]) for name, tensor in learned.named_parameters()}
    assert all(same[name] for name in same if name.startswith("blocks.0."))
    assert not same["dense.4.weight"]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_builds_its_network(name: str):
    network = recipes.build(RECIPES[name], 3)
    assert isinstance(network, Classifier)
    assert isinstance(network, FrozenBaseClassifier) == ("of" in RECIPES[name].arguments)


def test_missing_pretrained_weights_name_the_way_out(tmp_path):
    recipe = RECIPES["alexnet"]
    with pytest.raises(SystemExit, match="--init imagenet"):
        recipes.initialise(recipes.build(recipe, 2), recipe, str(tmp_path))


def test_a_film_as_it_is_equals_what_the_app_feeds(drawn: Split):
    from core.preprocess import align
    from core.types import Scan

    spec = tiny().input("whole")
    scan = Scan(drawn.films[0, 0].float().numpy(), digest="", name="film")
    assert torch.equal(align(scan, spec)[0], views.preprocessed(drawn.films[:1], drawn.boxes[:1], spec))


def test_augmentation_changes_a_film_and_repeats_with_the_seed(drawn: Split):
    spec = tiny().input("whole")

    def augmented(seed: int) -> torch.Tensor:
        return views.augmented(drawn.films, drawn.boxes, spec, Generator().manual_seed(seed))

    assert torch.equal(augmented(1), augmented(1))
    assert not torch.equal(augmented(1), augmented(2))


def test_a_temperature_is_found_and_folded():
    generator = Generator().manual_seed(0)
    honest = torch.randn(4000, 3, generator=generator)
    truth = torch.multinomial(honest.softmax(1), 1, generator=generator)[:, 0]
    temperature = calibration.fit_temperature(3 * honest, truth)
    assert temperature == pytest.approx(3, rel=0.1)
    network = nn.Sequential(nn.Linear(3, 3))
    before = network(honest)
    calibration.fold_temperature(network, temperature)
    assert torch.allclose(network(honest), before / temperature, atol=1e-5)


def test_the_mean_auc_of_three_classes_counts_each_class():
    truth = torch.tensor([0, 0, 1, 1, 2, 2])
    right = torch.eye(3)[truth].numpy() * 0.85 + 0.05
    swapped = right.copy()
    swapped[2:4], swapped[4:6] = right[4:6], right[2:4]
    assert mean_auc(right, truth) == 1.0
    assert mean_auc(swapped, truth) < 1.0
