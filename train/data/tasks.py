"""What classifiers are asked: labels, the data that teach them, and what a card says of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.cards import AnyCard
from core.names import BRAIN_MRI, CHEST_FILM
from core.types import Region
from train.data import hospitals
from train.data.datasets import Case, brain_mri, chest_xray, covid_radiography, hold_out, in_split
from train.data.sources import group_near_duplicates

FOLDS = 7  # a seventh of the training patients is for validation
BLOCK = 25  # file numbers of brain slices that stay together


@dataclass(frozen=True, slots=True)
class Task:
    """labels: the normal class first. cases: all files with their official splits."""

    name: str
    labels: tuple[str, ...]
    modality: str
    region: Region
    cases: Callable[[Path], list[Case]]
    data: Mapping[str, str]
    intended_use: str
    limitations: tuple[str, ...]
    binary: str = ""  # the binary task that comes with it, by adding up the abnormal classes
    extra_training: Callable[[Path], list[Case]] | None = None  # more to learn from; none of it is held out
    licence: str = "MIT"  # of what is trained on it
    ages: tuple[int, int] | None = None  # of the patients to learn from, in years

    def card(self, model: str) -> str:
        """The id of that model's card."""
        return f"{self.name}-{model}{'-adults' if self.extra_training else ''}"

    def title(self, model: str) -> str:
        return f"{model}, adults too" if self.extra_training else model


def etiology(root: Path) -> list[Case]:
    """Kermany's films with the agent that the file's name tells."""
    return [replace(case, label=_agent(case)) for case in chest_xray(root)]


def _agent(case: Case) -> str:
    if case.label == "normal":
        return "normal"
    return "bacterial" if "bacteria" in case.name else "viral"


def covid(root: Path) -> list[Case]:
    """COVID-19 Radiography films, a fifth held out for test, twins of what was learned from left out there.

    Where the folder lacks its viral pneumonia, Kermany's viral films stand for it, which the public set took
    from there. They keep the splits of the task etiology: a network that learned there may lie underneath.
    """
    tested = hold_out(covid_radiography(root), folds=5, seed=0, into="test")
    cases = hospitals.without_twins(hold_out(tested, folds=FOLDS, seed=0))
    if any(case.label == "viral pneumonia" for case in cases):
        return cases
    viral = [case for case in load_cases(TASKS["etiology"], root, seed=0) if case.label == "viral"]
    return cases + [replace(case, label="viral pneumonia") for case in viral]


def adult_cases(root: Path, abnormal: str) -> list[Case]:
    """Adults' films that the task covid trains on: normal ones, and COVID-19 under the label `abnormal`."""
    names = {"normal": "normal", "covid": abnormal}
    learned = in_split(load_cases(TASKS["covid"], root, seed=0), "train")
    return [replace(case, label=names[case.label]) for case in learned if case.label in names]


def brain_mri_series(root: Path) -> list[Case]:
    """Brain MRI slices, those that may be of one patient together: no file names its patient.

    Tumours numbered near each other are often neighbouring slices: thumbnails of consecutive numbers
    correlate at 0.78 to 0.85, of any two at 0.50 to 0.65. Normals have no such order and go by their looks.
    """
    numbered = [replace(case, patient=_block(case)) for case in brain_mri(root)]
    return group_near_duplicates(numbered)


def _block(case: Case) -> str:
    digits = "".join(filter(str.isdigit, case.path.stem))
    return f"{case.label}-{int(digits) // BLOCK}" if digits else case.patient


KERMANY = {
    "name": "Kermany paediatric chest X-rays, official split (Mendeley rscbjbr9sj)",
    "licence": "CC BY 4.0",
    "split": "validation carved from train by patient and file; official test",
}
KERMANY_AGES = (1, 5)
CHILDREN = (
    "Trained on children of one to five years from one hospital.",
    "Films of the two classes were made differently; part of the figure may be acquisition.",
    "Patient numbers recur between the official train and test splits, perhaps by chance.",
)
NEAR_COPIES = "About one in twenty COVID films held out has a near copy among those learned from."
NO_NEAR_COPIES = "Films held out that have a near copy among those learned from are left out."
ADULTS_TOO = (
    "Trained on children of one to five years from one hospital and on adults, normal or with COVID-19."
)

TASKS: dict[str, Task] = {
    "pneumonia": Task(
        name="pneumonia",
        labels=("normal", "pneumonia"),
        modality=CHEST_FILM,
        region="lungs",
        cases=chest_xray,
        data=KERMANY,
        intended_use="Shows whether a child's frontal chest film looks like pneumonia. For teaching.",
        limitations=CHILDREN,
        ages=KERMANY_AGES,
    ),
    "etiology": Task(
        name="etiology",
        labels=("normal", "bacterial", "viral"),
        modality=CHEST_FILM,
        region="lungs",
        cases=etiology,
        data=KERMANY,
        intended_use="Shows whether a child's frontal chest film looks like bacterial or viral pneumonia.",
        limitations=(*CHILDREN, "The agent comes from the file's name; many films do not show it."),
        binary="pneumonia",
        ages=KERMANY_AGES,
    ),
    "covid": Task(
        name="covid",
        labels=("normal", "covid", "viral pneumonia"),
        modality=CHEST_FILM,
        region="lungs",
        cases=covid,
        data={
            "name": "COVID-19 Radiography (COVID, Normal; Kaggle tawsifurrahman), viral films of Kermany",
            "licence": "research use; CC BY 4.0",
            "split": "a stratified fifth of COVID and normal for test, by file; viral as officially split",
        },
        intended_use="Tells COVID films of adults, normal ones and children's viral pneumonia apart.",
        limitations=(
            "Each class comes from other hospitals and machines: part of the figure measures the source.",
            "The viral films are of children, the others of adults.",
            "Lung opacity, the fourth class of the public set, was not at hand.",
            "No patient is named in the public set: films of one patient may stand on both sides.",
            NO_NEAR_COPIES,
        ),
    ),
    "brain-mri": Task(
        name="brain-mri",
        labels=("normal", "glioma", "meningioma", "pituitary"),
        modality=BRAIN_MRI,
        region="head",
        cases=brain_mri_series,
        data={
            "name": "Brain MRI slices (Kaggle masoudnickparvar), twins between train and test removed",
            "licence": "as on Kaggle; research use",
            "split": "published test split; validation by runs of numbers and by looks",
        },
        intended_use="Tells three kinds of brain tumour and none apart on single MRI slices. For teaching.",
        limitations=(
            "No patient is named in the public set: slices of one patient may stand on both sides.",
            "One slice is judged, whichever way it was cut; a study has hundreds.",
            "Some public labels look wrong by eye: networks of several kinds misread the same slices.",
        ),
    ),
}


HOSPITALS = "hospitals"  # the entry in a card's data that tells cards of all ages from children's

ALL_AGES = Task(
    name="pneumonia",
    labels=("normal", "pneumonia"),
    modality=CHEST_FILM,
    region="lungs",
    cases=hospitals.pneumonia,
    data=hospitals.PNEUMONIA_DATA,
    intended_use="Shows whether a frontal chest film, of a child or an adult, looks like pneumonia.",
    limitations=hospitals.LIMITATIONS,
    licence=hospitals.LICENCE,
    ages=(1, 88),
)
TASKS["opacity"] = Task(
    name="opacity",
    labels=("normal", "opacity", "other finding"),
    modality=CHEST_FILM,
    region="lungs",
    cases=hospitals.opacity,
    data=hospitals.OPACITY_DATA,
    intended_use="Tells normal films of adults, lung opacity and other findings apart.",
    limitations=(
        "Learned on films of 128 pixels of one hospital: fine lines were not to be seen.",
        hospitals.SHARED_SIGHT,
    ),
    licence=hospitals.LICENCE,
    ages=(5, 88),
)
TASKS["tuberculosis"] = Task(
    name="tuberculosis",
    labels=("normal", "tuberculosis"),
    modality=CHEST_FILM,
    region="lungs",
    cases=hospitals.tuberculosis_cases,
    data=hospitals.TUBERCULOSIS_DATA,
    intended_use="Shows whether an adult's frontal chest film looks like tuberculosis of the lungs.",
    limitations=(
        "Learned on adults of one hospital, normal or with tuberculosis; other diseases may look like it.",
        hospitals.SHARED_SIGHT,
    ),
    licence=hospitals.LICENCE,
)


def with_adults(task: Task) -> Task:
    """The same question, learned from adults' films as well. What is held out stays as it is."""
    return replace(
        task,
        ages=None,
        extra_training=partial(adult_cases, abnormal=task.labels[-1]),  # COVID-19 is a viral pneumonia
        data={
            "name": f"{task.data['name']}; COVID-19 Radiography (COVID, Normal; Kaggle tawsifurrahman)",
            "licence": f"{task.data['licence']}; research use",
            "split": f"{task.data['split']}; adults' films only to learn from",
        },
        intended_use=task.intended_use.replace("a child's frontal", "a frontal"),
        limitations=(
            *(ADULTS_TOO if line == CHILDREN[0] else line for line in task.limitations),
            NEAR_COPIES,
        ),
    )


def task_by_name(name: str, *, adults: bool) -> Task:
    """A task by name, with adults if wanted. Raises SystemExit where that means nothing."""
    if adults and TASKS[name].data is not KERMANY:
        raise SystemExit(f"{name} has no use for --adults: only tasks on children's films learn from them.")
    return with_adults(TASKS[name]) if adults else TASKS[name]


def task_of_card(card: AnyCard) -> Task:
    """The task that a classifier was made for, with adults where it learned from them."""
    if card.task == ALL_AGES.name and HOSPITALS in card.data:
        return ALL_AGES
    return task_by_name(card.task, adults="adults" in card.data)


def load_cases(task: Task, root: Path, seed: int) -> list[Case]:
    """All cases. Classes that come without a validation split have one held out from train.

    task: which data, which labels.
    root: the folder with the public data sets.
    seed: of what is held out.
    """
    cases = task.cases(root)
    settled = {case.label for case in cases if case.split == "validation"}
    rest = [case for case in cases if case.label not in settled]
    more = task.extra_training(root) if task.extra_training else []
    return [
        *(hold_out(rest, folds=FOLDS, seed=seed) if rest else []),
        *(case for case in cases if case.label in settled),
        *more,
    ]
