"""Scans for who has none at hand: made by a model, so that they show nobody, and one public film.

weights/samples/manifest.json lists what ships: {"model": str, "samples": [{"file", "modality", "condition",
"seed", "sha256", "synthetic", "hard" where it is}, ...]}. A checkout without the folder has no samples, which
is no fault.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import StringConstraints, TypeAdapter, ValidationError

from core.cards import SAMPLES, WEIGHTS
from core.errors import CardError, UnknownName
from core.names import CHEST_FILM

COMMAND: Final = "python -m train.samples --data DATA"
# of pydicom-data 1.0.0, MIT: a frontal film of 1955 x 1841 pixels, 15 bits, black and white exchanged
PUBLIC_PACKAGE: Final = "pydicom-data"
PUBLIC_FILM: Final = "data_store/data/RG1_UNCR.dcm"
PUBLIC_SHA256: Final = "946f28f48b9fbf360196a9b835c8fce83b0c654bf85a5107663c8a61df02e498"


@dataclass(frozen=True, slots=True)
class Sample:
    """A scan to try the app with.

    condition: what the model was asked to make, which nobody diagnosed; empty for the public film. seed: it
    was made from. sha256: of the file, which is also the digest of the scan that is read from it. hard: how
    it was made so without asking a classifier; empty for those that every classifier reads as made.
    """

    path: Path
    modality: str
    condition: str
    seed: int | None
    sha256: str
    synthetic: bool
    hard: str = ""

    @property
    def name(self) -> str:
        """What the scan is called wherever it is shown, listed or exported: the mark goes with it."""
        return f"{'Synthetic' if self.synthetic else 'Public film'} {self.path.name}"


@dataclass(frozen=True, slots=True)
class _ManifestRow:
    file: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]  # a name, never a way out of the folder
    modality: str
    condition: str
    seed: int
    sha256: str
    synthetic: Literal[True]
    hard: str = ""


@dataclass(frozen=True, slots=True)
class _Manifest:
    model: str
    samples: tuple[_ManifestRow, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many scans are taken for what they were made as. card: who judged.

    fresh: of scans nobody chose; shipped: of those that ship. Each has "n" and the shares that "agrees" and
    that the gate "admitted".
    """

    card: str
    fresh: Mapping[str, float]
    shipped: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SamplesCard:
    """What was measured on the samples, by modality; python -m train.samples writes it.

    frechet: distance to held-out real scans, by what is compared with them, and "n" of each. nearest: by
    measure, "shipped" as distance of each file to its nearest training scan, and what real patients have.
    """

    model: str
    command: str
    commit: str
    fresh: int
    choosing: str
    agreement: Mapping[str, Agreement]
    frechet: Mapping[str, Mapping[str, float]]
    nearest: Mapping[str, Mapping[str, Mapping[str, float | Mapping[str, float]]]]
    limitations: tuple[str, ...]


_MANIFEST: TypeAdapter[_Manifest] = TypeAdapter(_Manifest)
_CARD: TypeAdapter[SamplesCard] = TypeAdapter(SamplesCard)
Read = TypeVar("Read")


def every(root: Path = WEIGHTS) -> tuple[Sample, ...]:
    """The synthetic samples in the order of their manifest; none without one.

    Raises CardError when the manifest breaks its own rules.
    """
    folder = root / SAMPLES
    manifest = _parsed(folder / "manifest.json", _MANIFEST)
    return tuple(
        Sample(
            folder / row.file,
            row.modality,
            row.condition,
            row.seed,
            row.sha256,
            synthetic=True,
            hard=row.hard,
        )
        for row in (manifest.samples if manifest else ())
    )


def card(root: Path = WEIGHTS) -> SamplesCard | None:
    """What was measured on them, None without samples. Raises CardError."""
    return _parsed(root / SAMPLES / "card.json", _CARD)


def _parsed(path: Path, adapter: TypeAdapter[Read]) -> Read | None:
    if not path.is_file():
        return None
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CardError(
            f"{path} breaks its rules: {place}: {first['msg']}. Write it again with: {COMMAND}"
        ) from error


def public_film() -> Sample | None:
    """A real chest film, where the package that has it is installed; nothing is downloaded."""
    try:
        package = distribution(PUBLIC_PACKAGE)
    except PackageNotFoundError:
        return None
    path = Path(str(package.locate_file(PUBLIC_FILM)))
    return Sample(path, CHEST_FILM, "", None, PUBLIC_SHA256, synthetic=False) if path.is_file() else None


def named(name: str, among: tuple[Sample, ...]) -> Sample:
    """The sample whose file has that name. Raises UnknownName."""
    for sample in among:
        if sample.path.name == name:
            return sample
    choices = ", ".join(sample.path.name for sample in among) or "none is here"
    raise UnknownName(f"No sample {name!r}. Choose from: {choices}.")


def read(sample: Sample) -> bytes:
    """The file's bytes. Raises CardError when it is missing or not the file that was listed."""
    data = sample.path.read_bytes() if sample.path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sample.sha256:
        again = COMMAND if sample.synthetic else f"pip install --force-reinstall {PUBLIC_PACKAGE}"
        raise CardError(
            f"{sample.path} is missing or was altered (sha256 differs). Make it again with: {again}"
        )
    return data
