"""Fit the yardsticks of a task, sharpness alone: python -m train.baselines --data DATA"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from core.models.frequency_bands import FrequencyBands
from core.preprocess import stretch
from core.resample import FILM_SIZE
from core.types import InputSpec
from train.data import films, tasks
from train.data.datasets import in_split
from train.data.tasks import TASKS
from train.publish import classifier_card, report
from train.publish.provenance import Trained

BASELINES = {"sharpness": (1, "Sharpness alone"), "bands": (5, "Five bands of frequency")}
REMARK = (
    "A yardstick, not a model: it sees how sharp the middle of a film is and no anatomy. What it scores is "
    "what a network could score without looking at the lungs."
)


def main() -> None:
    arguments = parse()
    task = TASKS["pneumonia"]
    cases = tasks.load_cases(task, arguments.data, seed=0)
    train = in_split(cases, "train")
    shown, _ = films.load(train, "lungs", arguments.runs)
    truth = np.array([task.labels.index(case.label) for case in train])
    spec = InputSpec(size=FILM_SIZE, channels=1, mean=(0.0,), std=(1.0,), region="whole")
    for name, (bands, title) in BASELINES.items():
        started = time.monotonic()
        network = FrequencyBands(bands=bands).eval()
        with torch.inference_mode():
            fit_bands(network, shown, truth)
        trained = Trained(
            card_id=f"pneumonia-{name}",
            model="bands",
            arguments={"bands": bands, "classes": 2, "channels": 1},
            input=spec,
            network=network,
            cases=cases,
            settings={"bands": bands},
            minutes=(time.monotonic() - started) / 60,
        )
        card = classifier_card.draft_classifier_card(trained, task, title, remarks=(REMARK,), yardstick=True)
        packed = report.pack(card, network)
        report.publish_card(packed, report.score_cases(packed, cases))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray/")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where films are kept")
    return parser.parse_args()


def fit_bands(network: FrequencyBands, shown: torch.Tensor, truth: np.ndarray) -> None:
    """Standardise the energies of training films and regress on them, classes counting alike.

    network: it is changed.
    shown: (N, 1, H, W), in [0, 1].
    truth: (N,), classes.
    """
    energies = torch.cat(
        [network.energies(network.features(stretch(part.float()))) for part in shown.split(64)]
    )
    network.mean.copy_(energies.mean(0))
    network.std.copy_(energies.std(0) + 1e-6)
    z = ((energies - network.mean) / network.std).numpy()
    found = LogisticRegression(class_weight="balanced").fit(z, truth)
    weight, bias = torch.tensor(found.coef_[0]), torch.tensor(found.intercept_[0])
    network.linear.weight.copy_(torch.stack([-weight / 2, weight / 2]))
    network.linear.bias.copy_(torch.stack([-bias / 2, bias / 2]))


if __name__ == "__main__":
    main()
