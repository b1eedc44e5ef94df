"""Train one network for many hospitals: python -m train.hospitals --films FOLDER --plans FILE --out FOLDER

Runs of a list of plans side by side on one accelerator; each writes its scores of all films and, where no
hospital was left out, its weights. Made for a machine without the project's data: FOLDER holds films.bin,
the bytes of all files, and films.json, what the table says of each and where it lies.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from core import anatomy, resample
from core.models.unet import UNet
from train import runs
from train.hospitals import figures, learn, networks
from train.hospitals import store as decoding
from train.hospitals.learn import Asked, Plan
from train.hospitals.store import Store

STORE = "store.pt"


def main() -> None:
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.one is not None:
        run(arguments, plan_of(json.loads(arguments.one)))
        return
    decode_films(arguments)
    side_by_side(json.loads(arguments.plans.read_text()), arguments.side_by_side, arguments.seconds)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=Path, required=True, help="folder with films.bin and films.json")
    parser.add_argument("--pretrained", type=Path, required=True, help="folder with pretrained networks")
    parser.add_argument("--segmenter", type=Path, required=True, help="weights of the lung segmenter")
    parser.add_argument("--plans", type=Path, required=True, help="a list of plans, as JSON")
    parser.add_argument("--out", type=Path, required=True, help="where scores and weights go")
    parser.add_argument("--work", type=Path, default=Path("runs/hospitals"), help="where films are kept")
    parser.add_argument("--side-by-side", type=int, default=4, help="runs at once")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no run starts after these")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def decode_films(arguments: argparse.Namespace) -> None:
    """Films and their lungs' crops into store.pt, unless those of the same films and segmenter are there."""
    store, files = arguments.work / STORE, [arguments.films / name for name in ("films.bin", "films.json")]
    made_from = runs.digest(files, arguments.segmenter, runs.code(decoding, resample, anatomy))
    if store.is_file() and torch.load(store, weights_only=True, mmap=True)[0] == made_from:
        return
    segmenter = UNet()
    given = load_file(arguments.segmenter)
    segmenter.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in given.items()})
    found = decoding.build(arguments.films, segmenter, device())
    runs.save((made_from, found.crops, found.hulls, [dict(row) for row in found.rows]), store)


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def plan_of(given: dict[str, Any]) -> Plan:
    """A plan from JSON, whose lists are tuples here."""
    frozen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    return Plan(**frozen)


def side_by_side(plans: list[dict[str, Any]], most: int, seconds: float) -> None:
    """Each plan in a process of its own. Plans with teachers wait until all before them have ended."""
    waiting, running = deque(plans), list[subprocess.Popen[bytes]]()
    until = time.monotonic() + seconds
    while waiting or running:
        running = [each for each in running if each.poll() is None]
        late = time.monotonic() >= until
        held_up = bool(waiting) and bool(waiting[0].get("teachers")) and bool(running)
        if waiting and not late and not held_up and len(running) < most:
            plan = json.dumps(waiting.popleft())
            again = [sys.executable, "-m", "train.hospitals", *sys.argv[1:], "--one", plan]
            running.append(subprocess.Popen(again))
        elif late and not running:
            print("Not run:", [plan["name"] for plan in waiting])
            return
        time.sleep(0.1)


def run(arguments: argparse.Namespace, plan: Plan) -> None:
    """Train one, ask it about all films, print its figures."""
    torch.set_num_threads(2)
    torch.backends.cudnn.benchmark = True
    made_from, crops, hulls, rows = torch.load(arguments.work / STORE, weights_only=True, mmap=True)
    store = Store(crops.to(device()), hulls.to(device()), rows)
    teachers = [teacher(arguments, name, made_from) for name in plan.teachers]
    asked = networks.build(plan, arguments.pretrained).to(device())
    started = time.monotonic()
    learn.learn(asked, store, plan, teachers)
    minutes = (time.monotonic() - started) / 60
    runs.save((made_from, asdict(plan), asked.state_dict()), arguments.work / f"{plan.name}.pt")
    scores: dict[str, Any] = {
        f"{name}|{'black' if black else 'shown'}": values.half().numpy()
        for black in (True, False)
        for name, values in learn.logits(asked, store, plan.size, black=black).items()
    }
    np.savez(arguments.out / f"{plan.name}.npz", **scores)
    if not plan.left_out:
        save_file(networks.weights(asked), arguments.out / f"{plan.name}.safetensors")
    found = {"name": plan.name, "minutes": round(minutes, 2), **figures.of_run(plan, store.rows, scores)}
    print(json.dumps(found), flush=True)


def teacher(arguments: argparse.Namespace, name: str, made_from: str) -> Asked:
    """The network of an earlier run. Raises SystemExit where that learned from other films.

    arguments: of the command line.
    name: of the run.
    made_from: digest of the films.
    """
    path = arguments.work / f"{name}.pt"
    known, plan, state = torch.load(path, weights_only=True)
    if known != made_from:
        raise SystemExit(f"{path} learned from other films. Run the plan {name!r} again first.")
    asked = networks.build(plan_of(plan), arguments.pretrained)
    asked.load_state_dict(state)
    return asked.to(device()).eval()


if __name__ == "__main__":
    main()
