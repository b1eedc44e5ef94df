"""What local normals buy a detector elsewhere: python -m train.hospitals.local_normals --data DATA CARD ...

The threshold moves to the mean and deviation of a few normal films of NIH; the rest of its patients, and its
films with opacities, both as radiologists read them for RSNA, say what that does. Nothing is chosen here.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from core import cards, inference, names
from core.evaluation.local_normals import specificities
from core.names import LOCAL_COUNTS, LOCAL_PLACE
from core.reading import images
from core.types import is_abnormal
from train.data.datasets import adults_rsna, evenly_spaced

MOST = 200  # films of each kind: the spread over draws is far wider than what more would tell


def main() -> None:
    arguments = parse()
    films = adults_rsna(arguments.data)
    cases = [
        case
        for label in ("normal", "opacity")
        for case in evenly_spaced([film for film in films if film.label == label], MOST)
    ]
    normal = np.array([case.label == "normal" for case in cases])
    patients = [case.patient for case in cases if case.label == "normal"]
    for name in arguments.cards:
        model = inference.load(name)
        scores = np.array(
            [
                inference.judge(model, images.read(case.path.read_bytes(), case.name)).score
                for case in tqdm(cases, unit="film", mininterval=5)
            ]
        )
        measured = {
            names.auroc_at(LOCAL_PLACE): float(roc_auc_score(~normal, scores)),
            names.specificity_at(LOCAL_PLACE): 1
            - float(np.mean(is_abnormal(scores[normal], model.card.threshold))),
        }
        for count in LOCAL_COUNTS:
            kept = specificities(scores[normal], patients, count=count)
            measured[names.specificity_at(LOCAL_PLACE, count)] = float(kept.mean())
            measured[names.specificity_at(LOCAL_PLACE, count, worst=True)] = float(np.quantile(kept, 0.05))
        moved = scores[normal].mean() + scores[normal].std()
        measured[names.sensitivity_at(LOCAL_PLACE)] = float(np.mean(is_abnormal(scores[~normal], moved)))
        cards.update(name, figures=measured)
        print(name, "  ".join(f"{figure} {value:.4g}" for figure, value in measured.items()), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
