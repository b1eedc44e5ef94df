"""Where a case of scores.csv was made, whose it is, and which cases were numbered in one go."""

import re
from collections.abc import Mapping, Sequence

from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT

# by how `case` begins, per modality
FOLDERS: Mapping[str, Mapping[str, str]] = {
    CHEST_FILM: {
        "train/": "Kermany",
        "test/": "Kermany",
        "covid_radiography/": "COVID-19 Radiography",
        "adults_nih/": "NIH, mined labels",
        "adults_rsna_128/": "NIH, read by RSNA",
        "tuberculosis/shenzhen/": "Shenzhen",
        "tuberculosis/montgomery/": "Montgomery",
    },
    HEAD_CT: {"brain_ct/": "stroke set", "brain_ct_hemorrhage/": "hemorrhage set"},
    BRAIN_MRI: {"train/": "published set", "test/": "published set"},
}
ADULTS = frozenset(  # sources of which nearly all films are of adults
    {"COVID-19 Radiography", "NIH, mined labels", "NIH, read by RSNA", "Shenzhen", "Montgomery"}
)
OTHER = "other"
RUN = 100  # numbers

_PATIENTS = {
    "Kermany": r"(?:NORMAL2-)?(IM-\d+|person\d+)",
    "NIH, mined labels": r"(\d+)_",
    "NIH, read by RSNA": r"(\d+)_",
    "stroke set": r"(.+?) ?\(",
}
_RUNS = {"Kermany": r"(NORMAL2-IM-|IM-|person)(\d+)"}
_NUMBERED = r"(.*?)(\d+)(?:_\d)?\.\w+$"


def sources(modality: str, cases: Sequence[str]) -> tuple[str, ...]:
    """The public set of each case, `OTHER` where none is known.

    modality: of the card.
    cases: as scores.csv names them.
    """
    known = FOLDERS.get(modality, {})
    return tuple(next((known[start] for start in known if case.startswith(start)), OTHER) for case in cases)


def patients(modality: str, cases: Sequence[str]) -> tuple[str, ...]:
    """Cases with the same answer are of one patient; a case of a set that names no patient is its own.

    modality: of the card.
    cases: as scores.csv names them.
    """
    found = []
    for source, case in zip(sources(modality, cases), cases, strict=True):
        folder, _, name = case.rpartition("/")
        match = re.match(_PATIENTS[source], name) if source in _PATIENTS else None
        # NIH numbers its patients over all folders, Kermany anew in each official split
        place = "NIH" if source.startswith("NIH") else f"{source} {folder}"
        found.append(f"{place} {match[1] if match else name}")
    return tuple(found)


def runs(modality: str, cases: Sequence[str]) -> tuple[str, ...]:
    """Cases with the same answer were numbered together, as films of one time and machine tend to be.

    modality: of the card.
    cases: as scores.csv names them; `RUN` numbers in a row are one run. Slices of a patient are one.
    """
    found = []
    by_patient = patients(modality, cases)
    for source, case, patient in zip(sources(modality, cases), cases, by_patient, strict=True):
        folder, _, name = case.rpartition("/")
        match = None if source == "stroke set" else re.match(_RUNS.get(source, _NUMBERED), name)
        found.append(f"{folder}/{match[1]}{int(match[2]) // RUN}" if match else patient)
    return tuple(found)
