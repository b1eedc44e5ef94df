"""Choose which made scans ship, write them, and write the card that measures them."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Generator, Tensor

from core import cards
from train.data.tasks import TASKS
from train.publish import provenance
from train.samples import distances, hard, judges, scans
from train.samples import files as sample_files
from train.samples.distances import PrincipalAxes
from train.samples.files import ManifestRow
from train.samples.judges import CLASSIFIERS, NearestTraining, Verdicts
from train.samples.scans import CONDITIONS, Scans

COMMAND = "python -m train.samples --data DATA"
FOLDER = cards.WEIGHTS / "samples"
SHIPPED = {  # name in the manifest: conditions, scans of each, scans more as DICOM
    "normal chest film": ((0,), 6, 1),
    "bacterial pneumonia": ((1,), 6, 0),
    "viral pneumonia": ((2,), 6, 0),
    "normal brain MRI slice": ((3,), 6, 0),
    "tumour": ((4, 5, 6), 2, 0),
}
BALANCED_COUNTS = (70, 70, 70, 84, 28, 28, 28)  # scans of each condition in a crowd: no side has fewer
CHOOSING = (
    "Of the fresh scans those on which every classifier of the task agrees, and of films the ensemble on the "
    "agent, which the gate admits and which are no nearer to a training scan than the 5th percentile says; "
    "of them the most typical in the features. Of brain slices only those in which an eye finds the brain in "
    "order, and the tumour asked for."
)
APPROVED_SEEDS = (  # slices in which a person finds the brain in order, and the tumour if one was asked for
    *(1211, 1214, 1217, 1229, 1239, 1259, 1264, 1269, 1303, 1305),
    *(1313, 1321, 1325, 1333, 1341),
    *(1346, 1356, 1359, 1362, 1369, 1372, 1375),
    *(1379, 1385, 1393, 1397, 1402, 1404, 1409),
)
LIMITATIONS = (
    "Softer than real scans: vessels, bone and grain are hinted at; letters and side markers are smudges.",
    "Where lungs are dense, ribs fade, fork or end in the air.",
    "Folds of the brain and the base of the skull run together; some skulls have a doubled outline.",
    "Most slices asked for with a tumour show none to the eye, though the classifier calls them abnormal: "
    "it goes by the look of the scan as well.",
    "Guidance makes them more typical and less varied than real scans.",
    "The MRI set names no patient, so each slice counts as one, which sets its bar for copies lower.",
    "The denoiser's schedule was lengthened twice while it ran, slices came twice as often from its 19th "
    "epoch on, and the autoencoder saw slices before heads were framed: a fresh run makes other, "
    "similar scans.",
    "For trying the software out, never for training or judging a model.",
)


def publish_samples(
    fresh: Scans, train: Scans, held_out: Scans, runs: Path, minutes: Mapping[str, float], *, choose: bool
) -> None:
    """Measure the fresh scans; choose and write some unless they were chosen before; write the card.

    fresh: scans that the model made.
    train, held_out: real scans.
    runs: where features are kept.
    minutes: that training took, by network.
    choose: whether to choose anew which scans ship.
    """
    known = judges.cached_features(train, runs)
    others = judges.cached_features(held_out, runs)
    found = distances.backbone_features(fresh.pixels)
    theirs = scans.family_of(train.condition)
    real = [distances.principal_axes(known[theirs == family]) for family in range(len(CLASSIFIERS))]
    verdicts = judges.judge_scans(fresh)
    near = judges.nearest_training(fresh, found, train, known, real)
    if choose:
        write_samples(fresh, choose_shipped(fresh, found, verdicts, near, others, held_out, real))
    listed = json.loads((FOLDER / "manifest.json").read_text("utf-8"))["samples"]
    rows = [ManifestRow(**row) for row in listed if not row.get("hard")]  # those were chosen by nobody
    card = {
        "id": "samples",
        "model": sample_files.GENERATOR,
        "command": COMMAND,
        "commit": provenance.commit(),
        "minutes": {name: round(value, 1) for name, value in minutes.items()},
        "data": [dict(TASKS[task].data) for task in scans.ORDER],
        "training scans": {
            f"{task} {label}": int((train.condition == place).sum())
            for place, (task, label) in enumerate(CONDITIONS)
        },
        "fresh": len(fresh.pixels),
        "choosing": CHOOSING,
        "plain to the eye": approved_counts(fresh),
        "agreement": agreement(fresh, verdicts, rows),
        "frechet": frechet_distances(fresh, found, train, known, held_out, others, real),
        "nearest": nearest_distances(
            fresh, near, judges.nearest_training(held_out, others, train, known, real), rows
        ),
        "limitations": LIMITATIONS,
    }
    (FOLDER / "card.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    print(json.dumps({key: card[key] for key in ("agreement", "frechet")}, indent=1), flush=True)


def choose_shipped(
    fresh: Scans,
    found: Tensor,
    verdicts: Verdicts,
    near: NearestTraining,
    others: Tensor,
    held_out: Scans,
    real: list[PrincipalAxes],
) -> dict[str, list[int]]:
    """Places of the scans that ship, by name.

    fresh: scans that the model made.
    found: (N, D), their features.
    verdicts: of gate and classifiers on them.
    near: how near each is to a training scan.
    others: (M, D), features of held-out real scans.
    held_out: those scans.
    real: principal axes of real scans, by family.
    """
    family = scans.family_of(fresh.condition)
    plain = torch.tensor([int(seed) in APPROVED_SEEDS for seed in fresh.patients]) | (family == 0)
    fit = verdicts.unanimous & verdicts.agent & verdicts.admitted & ~near.copies() & plain
    picked: dict[str, list[int]] = {}
    for name, (conditions, count, more) in SHIPPED.items():
        picked[name] = []
        for condition in conditions:
            axes = real[int(family[fresh.condition == condition][0])]
            crowd = axes(others[held_out.condition == condition])
            off = ((axes(found) - crowd.mean(0)) / crowd.std(0)).square().mean(1)
            off[~fit | (fresh.condition != condition)] = float("inf")
            order = [place for place in off.argsort().tolist() if off[place] < float("inf")]
            if len(order) < count + more:
                raise SystemExit(
                    f"Only {len(order)} of the scans made for {name} may ship, {count + more} are wanted: "
                    "train longer."
                )
            picked[name] += order[: count + more]
    return picked


def write_samples(fresh: Scans, picked: Mapping[str, list[int]]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in (*FOLDER.glob("*.png"), *FOLDER.glob("*.dcm")):
        old.unlink()
    rows = []
    for name, places in picked.items():
        conditions, count, _ = SHIPPED[name]
        modality = judges.modality_of(conditions[0])
        condition = "normal" if name.startswith("normal") else name
        start = f"{modality.split()[0]}-{condition.split()[0]}"
        for number, place in enumerate(places, 1):
            last = "dicom.dcm" if number > count * len(conditions) else f"{number}.png"
            seed = int(fresh.patients[place])
            rows.append(
                sample_files.write_scan(
                    fresh.pixels[place], f"{start}-{last}", modality, condition, seed, FOLDER
                )
            )
    sample_files.write_manifest([*rows, *hard.write(rows, FOLDER)], FOLDER)


def agreement(fresh: Scans, verdicts: Verdicts, rows: list[ManifestRow]) -> dict[str, object]:
    """Shares per modality, of all fresh scans and of the shipped ones.

    fresh: scans that the model made.
    verdicts: of gate and classifiers on them.
    rows: of the manifest.
    """
    family = scans.family_of(fresh.condition)
    seeds = {row.seed for row in rows}
    shipped = torch.tensor([int(seed) in seeds for seed in fresh.patients])
    table: dict[str, object] = {}
    for number, (modality, card_id) in enumerate(CLASSIFIERS.items()):
        card = cards.read(card_id)
        of = family == number
        table[modality] = {
            "card": card_id,
            "sha256": card.sha256,
            "fresh": verdict_shares(verdicts, of),
            "shipped": verdict_shares(verdicts, of & shipped),
            "fresh by condition": {
                label: verdict_shares(verdicts, fresh.condition == place)
                for place, (_, label) in enumerate(CONDITIONS)
                if bool((of & (fresh.condition == place)).any())
            },
        }
    return table


def approved_counts(fresh: Scans) -> dict[str, dict[str, int]]:
    """Of the fresh brain slices: how many of each condition a person took for plain."""
    seen = torch.tensor([int(seed) in APPROVED_SEEDS for seed in fresh.patients])
    return {
        label: {
            "of": int((fresh.condition == place).sum()),
            "plain": int(seen[fresh.condition == place].sum()),
        }
        for place, (task, label) in enumerate(CONDITIONS)
        if task == "brain-mri"
    }


def verdict_shares(verdicts: Verdicts, of: Tensor) -> dict[str, float]:
    """n, and the shares that the classifier agrees with, that are named with the right agent, that pass."""
    return {
        "n": int(of.sum()),
        "agrees": round(float(verdicts.agrees[of].float().mean()), 4),
        "agent": round(float(verdicts.agent[of].float().mean()), 4),
        "admitted": round(float(verdicts.admitted[of].float().mean()), 4),
    }


def balanced_subset(condition: Tensor) -> Tensor:
    """Places of the first CROWD scans of each condition."""
    return torch.cat([(condition == c).nonzero()[:count, 0] for c, count in enumerate(BALANCED_COUNTS)])


def frechet_distances(
    fresh: Scans,
    found: Tensor,
    train: Scans,
    known: Tensor,
    held_out: Scans,
    others: Tensor,
    real: list[PrincipalAxes],
) -> dict[str, dict[str, float]]:
    """Fréchet distances to held-out real scans, equal numbers of each condition on all sides.

    fresh, train, held_out: scans that the model made, and real ones.
    found, known, others: (N, D), features of each in that order.
    real: principal axes of real scans, by family.
    """
    some, theirs, ours = (
        balanced_subset(held_out.condition),
        balanced_subset(train.condition),
        balanced_subset(fresh.condition),
    )
    blurred = distances.backbone_features(distances.blurred(train.pixels[theirs]))
    curves = [
        distances.pca_samples(train.pixels[train.condition == c], count, Generator().manual_seed(c))
        for c, count in enumerate(BALANCED_COUNTS)
    ]
    sides = {
        "real training scans": known[theirs],
        "made": found[ours],
        "principal components": distances.backbone_features(torch.cat(curves)),
        "blurred real scans": blurred,
    }
    family = scans.family_of(torch.arange(len(CONDITIONS)).repeat_interleave(torch.tensor(BALANCED_COUNTS)))
    table: dict[str, dict[str, float]] = {}
    for number, modality in enumerate(CLASSIFIERS):
        of, axes = family == number, real[number]
        held = axes(others[some][of])
        table[modality] = {"n": int(of.sum())} | {
            name: round(distances.frechet(axes(side[of]), held), 4) for name, side in sides.items()
        }
    return table


def nearest_distances(
    fresh: Scans, near: NearestTraining, unseen: NearestTraining, rows: list[ManifestRow]
) -> dict[str, object]:
    """Per modality the distances between real patients, and per file that to its nearest training scan.

    fresh: scans that the model made.
    near: how near each is to a training scan.
    unseen: the same of held-out real scans.
    rows: of the manifest.
    """
    place = {int(seed): index for index, seed in enumerate(fresh.patients)}
    table: dict[str, object] = {}
    for number, modality in enumerate(CLASSIFIERS):
        files = [row for row in rows if row.modality == modality]
        table[modality] = {
            name: {
                "real patients, 5th percentile of nearest": round(apart[number].nearest, 4),
                "real patients, 5th percentile of any two": round(apart[number].any_two, 4),
                "held-out real scans, median to their nearest": round(
                    float(usual[unseen.family == number].median()), 4
                ),
                "fresh, median to their nearest": round(float(distance[near.family == number].median()), 4),
                "shipped": {row.file: round(float(distance[place[row.seed]]), 4) for row in files},
            }
            for name, distance, usual, apart in (
                ("pixels", near.greys, unseen.greys, near.greys_apart),
                ("features", near.features, unseen.features, near.features_apart),
            )
        }
    return table
