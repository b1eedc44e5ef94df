"""Where the gate's rules for heads should cut: python -m train.gate.rules --data DATA

Prints, per training set and from no test scan, the quantiles of what each rule looks at. The cuts in
core.gate are set so that about one training scan in a hundred falls on the wrong side.
"""

import argparse
from pathlib import Path

import torch

from core import gate
from core.anatomy import heads, lungs
from core.names import CHEST_FILM
from core.reading import images
from core.resample import as_film
from train.data import sources
from train.data.datasets import chest_xray, evenly_spaced, in_split
from train.data.sources import SOURCES

QUANTILES = (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0)
MAX_SCANS = 400  # scans of one set; quantiles settle before that


def main() -> None:
    arguments = parse()
    print(f"{'':28}{'':16}" + "".join(f"{quantile:8.0%}" for quantile in QUANTILES))
    for name, paths in training_scans(arguments.data).items():
        rows = torch.tensor([rule_inputs(path) for path in evenly_spaced(paths, MAX_SCANS)])
        for what, values in zip(("confidence", "dark border", "white"), rows.T, strict=True):
            at = torch.quantile(values, torch.tensor(QUANTILES))
            print(f"{name:28}{what:16}" + "".join(f"{value:8.3f}" for value in at.tolist()), flush=True)
        print(f"{name:28}{'taken for chest':16}{float(rows[:, 3].mean()):8.3f}", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    return parser.parse_args()


def training_scans(data: Path) -> dict[str, list[Path]]:
    """Files by set; none of a test split."""
    films = [case.path for case in in_split(chest_xray(data), "train")]
    found = {CHEST_FILM: films}
    for name in ("brain-ct", "brain-mri"):
        cases = sources.load_cases(SOURCES[name], data, seed=0)
        found[SOURCES[name].modality] = [case.path for case in in_split(cases, "train")]
    return found


def rule_inputs(path: Path) -> tuple[float, float, float, float]:
    """Confidence in lungs, dark share of the border, white share of the head, taken for a chest or not."""
    scan = images.read(path.read_bytes(), path.name)
    fields = lungs.find(scan)
    chest = gate.is_chest_film(scan, fields)
    film = as_film(scan.pixels)
    return fields.confidence, gate.dark_border(film), float(heads.white_share(film)[0]), float(chest)


if __name__ == "__main__":
    main()
