from pathlib import Path

import pytest
from torch import nn

from core.types import InputSpec
from train.data import hospitals, tasks
from train.data.datasets import in_split
from train.data.tasks import TASKS, with_adults
from train.publish import classifier_card
from train.publish.provenance import Trained

SPEC = InputSpec(size=224, channels=1, mean=(0.0,), std=(1.0,), region="lungs")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that no test opens, named as the public sets name theirs."""
    root = tmp_path_factory.mktemp("data")
    names = [
        *(f"chest_xray/train/NORMAL/IM-{n:04}-0001.jpeg" for n in range(20)),
        *(f"chest_xray/train/PNEUMONIA/person{n}_bacteria_1.jpeg" for n in range(20)),
        *(f"chest_xray/train/PNEUMONIA/person{n}_virus_1.jpeg" for n in range(20, 40)),
        *(f"chest_xray/test/NORMAL/IM-{n:04}-0001.jpeg" for n in range(90, 94)),
        *(f"chest_xray/test/PNEUMONIA/person{n}_virus_1.jpeg" for n in range(90, 94)),
        *(f"covid_radiography/COVID/COVID-{n}.png" for n in range(40)),
        *(f"covid_radiography/Normal/Normal-{n}.png" for n in range(40)),
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def names(task: tasks.Task, data: Path, split: str) -> set[str]:
    return {case.name for case in in_split(tasks.load_cases(task, data, seed=0), split)}


@pytest.mark.parametrize("name", ["pneumonia", "etiology"])
def test_adults_are_learned_from_and_nothing_held_out_changes(name: str, data: Path):
    task = TASKS[name]
    more = names(with_adults(task), data, "train") - names(task, data, "train")
    assert more
    for split in ("validation", "test"):
        assert names(with_adults(task), data, split) == names(task, data, split)
        assert not more & names(TASKS["covid"], data, split)


@pytest.mark.parametrize(("name", "abnormal"), [("pneumonia", "pneumonia"), ("etiology", "viral")])
def test_covid_counts_as_a_viral_pneumonia(name: str, abnormal: str, data: Path):
    cases = tasks.load_cases(with_adults(TASKS[name]), data, seed=0)
    assert {case.label for case in cases if "COVID/" in case.name} == {abnormal}
    assert {case.label for case in cases if "Normal/" in case.name} == {"normal"}


def test_held_out_films_with_a_twin_that_was_learned_from_are_left_out(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    before = {case.name: case.split for case in tasks.load_cases(TASKS["covid"], data, seed=0)}
    of = {
        split: [n for n, s in before.items() if s == split and "COVID" in n] for split in set(before.values())
    }
    train, validation, test = (of[split] for split in ("train", "validation", "test"))
    twins = [(train[0], test[0]), (test[1], validation[1]), (validation[2], train[1]), (train[2], train[3])]
    monkeypatch.setattr(hospitals, "copies", lambda: [*twins, (test[3], test[4])])
    after = {case.name: case.split for case in tasks.load_cases(TASKS["covid"], data, seed=0)}
    assert before.keys() - after.keys() == {test[0], test[1], validation[2]}
    assert after.items() <= before.items()


def test_a_card_tells_that_it_learned_from_adults(data: Path):
    for task in (TASKS["etiology"], with_adults(TASKS["etiology"])):
        cases = tasks.load_cases(task, data, seed=0)
        trained = Trained(
            card_id="an-id", model="cnn", arguments={}, input=SPEC, network=nn.Identity(), cases=cases
        )
        card = classifier_card.draft_classifier_card(trained, task, "A title")
        adults = [case for case in cases if case.name.startswith("covid_radiography/")]
        assert card.data.get("adults", 0) == len(adults)
        assert tasks.task_of_card(card).limitations == task.limitations
        assert (tasks.task_of_card(card).extra_training is None) == (not adults)


def test_cards_that_learned_from_adults_have_names_of_their_own():
    task = with_adults(TASKS["etiology"])
    assert (task.card("cnn"), task.title("Small CNN")) == ("etiology-cnn-adults", "Small CNN, adults too")
    assert (TASKS["etiology"].card("cnn"), TASKS["etiology"].title("VGG16")) == ("etiology-cnn", "VGG16")


@pytest.mark.parametrize("name", ["covid", "brain-mri"])
def test_other_tasks_have_no_use_for_adults(name: str):
    with pytest.raises(SystemExit, match=f"{name} has no use for --adults"):
        tasks.task_by_name(name, adults=True)
