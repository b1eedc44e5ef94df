"""Who asked what of which model, for those who must account for it: one JSON line per verdict.

Off unless OPACITY_AUDIT names a file. A line holds time, card, sha256 of its weights, digest of the
input, threshold, verdict, and whether the gate was overridden: no names, no pixels, no scores.
"""

import json
import os
from datetime import UTC, datetime

from core.card_types import Card
from core.errors import OpacityError
from core.types import Scan, Verdict

VARIABLE = "OPACITY_AUDIT"


def record(card: Card, scan: Scan, *, threshold: float, verdict: Verdict, overridden: bool = False) -> None:
    """Append one line. Raises OpacityError when the file is named and cannot be written.

    card: that judged.
    scan: that was judged; its digest is kept, no pixel and no name.
    threshold: that was in use.
    verdict: that was given.
    overridden: whether the gate had refused the scan.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "card": card.id,
        "weights": card.sha256,
        "input": scan.digest,
        "threshold": threshold,
        "verdict": verdict,
        "overridden": overridden,
    }
    try:
        # One write of one line in append mode: lines of several servers do not mix.
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(log, (json.dumps(entry) + "\n").encode())
        finally:
            os.close(log)
    except OSError as error:
        raise OpacityError(
            f"The audit log cannot be written ({error.strerror}), so no verdict is given. "
            f"Make the file that {VARIABLE} names writable, or unset it."
        ) from error
