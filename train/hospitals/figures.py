"""What one run of the campaign found: on the hospital left out, and on validation elsewhere."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from train.hospitals import learn
from train.hospitals.learn import Plan

Rows = Sequence[Mapping[str, str]]


def of_run(plan: Plan, rows: Rows, scores: Mapping[str, np.ndarray]) -> dict[str, float]:
    """AUC of normal against ill per source and view of the outside; of the other heads on validation.

    plan: what was learned from.
    rows: what the table says of each film.
    scores: (N, K) logits by "head|view".
    """
    found: dict[str, float] = {}
    out = np.array([learn.left_out(row, plan) for row in rows])
    held = np.array([row["split"] == "validation" for row in rows])
    sub = np.array([row["sub"] if row["source"] in ("nih", "kermany") else row["source"] for row in rows])
    y = learn.truth(rows, "pneumonia").numpy()
    for view in ("black", "shown"):
        odds = np.diff(scores[f"pneumonia|{view}"].astype(float), axis=1)[:, 0]
        for name in sorted(set(sub)):
            left = bool(out[sub == name].any())
            used = (sub == name) & (y >= 0) & (out if left else held)
            if len(set(y[used])) == 2:
                tag = "left out " if left else ""
                found[f"{tag}{name} {view}"] = round(float(roc_auc_score(y[used], odds[used])), 4)
    for head, place in (("opacity", "rsna128"), ("tuberculosis", "shenzhen")):
        values, wanted = scores[f"{head}|black"].astype(float), learn.truth(rows, head).numpy()
        used = held & (sub == place) & np.isin(wanted, (0, 1))
        if len(set(wanted[used])) == 2:
            odds = (values[:, 1] - values[:, 0])[used]
            found[f"{head}, validation"] = round(float(roc_auc_score(wanted[used], odds)), 4)
    return found
