"""Run plans side by side: python -m train.hospitals --films FOLDER --pretrained FOLDER --plans FILE --out FOLDER"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score

from train.hospitals import learn, networks
from train.hospitals.learn import Plan
from train.hospitals.store import Store, build


def main() -> None:
    arguments = parse()
    if arguments.one is not None:
        run(
            arguments,
            Plan(**{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(arguments.one).items()}),
        )
        return
    stored = arguments.work / "store.pt"
    arguments.work.mkdir(parents=True, exist_ok=True)
    if not stored.is_file():
        from core.models.unet import UNet
        from safetensors.torch import load_file

        started = time.monotonic()
        segmenter = UNet()
        segmenter.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in load_file(arguments.segmenter).items()}
        )
        store = build(arguments.films, segmenter, device())
        torch.save((store.crops, store.hulls, store.rows), stored)
        share = store.hulls.float().mean((1, 2, 3))
        print(
            f"store {len(store.rows)} in {time.monotonic() - started:.0f}s, hull {share.mean():.3f}, whole {(share > 0.98).sum()}",
            flush=True,
        )
    waiting, running = json.loads(arguments.plans.read_text()), []
    until = time.monotonic() + arguments.seconds
    while waiting or running:
        running = [each for each in running if each.poll() is None]
        ready = waiting and not (waiting[0].get("teachers") and running)
        if ready and len(running) < arguments.side_by_side and time.monotonic() < until:
            plan = waiting.pop(0)
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "train.hospitals", *sys.argv[1:], "--one", json.dumps(plan)]
                )
            )
        elif waiting and not running and time.monotonic() >= until:
            print("out of time:", [p["name"] for p in waiting])
            break
        time.sleep(0.1)


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("films", "pretrained", "plans", "out", "segmenter", "work"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--one")
    return parser.parse_args()


def run(arguments: argparse.Namespace, plan: Plan) -> None:
    torch.set_num_threads(2)
    torch.backends.cudnn.benchmark = True
    crops, hulls, rows = torch.load(arguments.work / "store.pt", weights_only=False, mmap=True)
    store = Store(crops.to(device()), hulls.to(device()), rows)
    teachers = [teacher(arguments, name) for name in plan.teachers]
    asked = networks.build(plan, arguments.pretrained).to(device())
    started = time.monotonic()
    learn.learn(asked, store, plan, teachers)
    minutes = (time.monotonic() - started) / 60
    torch.save((plan, asked.state_dict()), arguments.work / f"{plan.name}.pt")
    scores = {}
    for black in (True, False):
        found = learn.logits(asked, store, plan.size, black=black)
        for name, values in found.items():
            scores[f"{name}|{'black' if black else 'shown'}"] = values.half().numpy()
    np.savez(arguments.out / f"{plan.name}.npz", **scores)
    if not plan.left_out or plan.name.startswith("keep"):
        save_file(networks.weights(asked), arguments.out / f"{plan.name}.safetensors")
    print(
        json.dumps({"name": plan.name, "minutes": round(minutes, 2), **figures(plan, store, scores)}),
        flush=True,
    )


def teacher(arguments: argparse.Namespace, name: str) -> learn.Asked:
    plan, state = torch.load(arguments.work / f"{name}.pt", weights_only=False)
    asked = networks.build(plan, arguments.pretrained)
    asked.load_state_dict(state)
    return asked.to(device()).eval()


def figures(plan: Plan, store: Store, scores: dict[str, np.ndarray]) -> dict[str, float]:
    """AUC of normal against ill per kind of source: of the left out on all films, else on validation."""
    rows, found = store.rows, {}
    where = np.array([learn.source_of(r) for r in rows])
    sub = np.array([r["sub"] if r["source"] in ("nih", "kermany") else r["source"] for r in rows])
    split = np.array([r["split"] for r in rows])
    covid_out = "covid" in plan.name
    for view in ("black", "shown"):
        s = scores[f"pneumonia|{view}"].astype(float)
        p = s[:, 1] - s[:, 0]
        y = learn.truth(rows, "pneumonia").numpy()
        for name in sorted(set(sub)):
            out = np.array([learn.left_out(r, plan) for r in rows])
            out |= covid_out & (sub == "covidrad") & (split != "train")
            use = (sub == name) & (y >= 0) & (out | (split == "validation"))
            if plan.left_out and name in ("nih352", "rsna128", "shenzhen", "small", "large", "covidrad"):
                if out[sub == name].any():
                    use &= out
            if len(set(y[use])) == 2:
                tag = "OUT " if out[use].all() else ""
                found[f"{tag}{name} {view}"] = round(float(roc_auc_score(y[use], p[use])), 4)
    o = scores["opacity|black"].astype(float)
    y = learn.truth(rows, "opacity").numpy()
    use = (sub == "rsna128") & (split == "validation") & (y < 2) & (y >= 0)
    found["opacity val"] = round(float(roc_auc_score(y[use], (o[:, 1] - o[:, 0])[use])), 4)
    t = scores["tuberculosis|black"].astype(float)
    use = (where == "shenzhen") & (split == "validation")
    y = learn.truth(rows, "tuberculosis").numpy()
    found["tb val"] = round(float(roc_auc_score(y[use], (t[:, 1] - t[:, 0])[use])), 4)
    return found


if __name__ == "__main__":
    main()
