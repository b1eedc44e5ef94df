"""Many scans: files are read ahead while the networks work; each scan is judged and let go."""

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from core import audit, cards, checkpoints, gate, inference
from core.anatomy import heads, lungs
from core.batch import allocator, folders
from core.batch.rows import AS_IT_STANDS, Job, ScreeningRow, key
from core.card_types import Card
from core.detectors import Detector
from core.errors import OpacityError, RefusedScan
from core.inference import Model
from core.models import Classifier, ClassifierEnsemble, UNet, fusion
from core.preprocess import align, align_films
from core.reading import images, sandbox
from core.resample import as_film
from core.types import AS_SENT, LungFields, Prediction, Scan, View, verdict_of

# Films that go through a network at once. It is always this many, the last one repeated where films lack:
# the last bits of a convolution depend on the number, and no score may depend on its neighbours.
BATCH_SIZE = 8
BATCHES_AHEAD = 4  # times as many are being read, wait at film size, or are judged


def load(card_id: str) -> Model:
    """inference.load for command lines: the network is laid out for many scans, and the process with it."""
    allocator.keep_memory()  # before the first thread, which would keep a store of its own
    model = inference.load(card_id)
    network = model.network
    if isinstance(network, ClassifierEnsemble):
        network.set_members(
            [replace(each, network=fusion.fused(each.network)) for each in network.loaded_members()]
        )
    if isinstance(network, Classifier):
        return replace(model, network=fusion.fused(network))
    return model


@cache
def _lung_network(card_id: str = lungs.CHILDREN) -> UNet:
    network = fusion.fused(checkpoints.network(cards.read(card_id)))
    assert isinstance(network, UNet)
    return network


def screen(
    model: Model, paths: Iterable[Path], job: Job = AS_IT_STANDS, *, workers: int | None = None
) -> Iterator[ScreeningRow]:
    """Judge the files in their order; one that cannot be judged gives a row and stops nothing.

    model: as `load` gives it.
    paths: of files, not folders.
    job: threshold, override, digests to pass over.
    workers: threads that judge, one core each; as many as there are cores when None.
    A row depends on its file alone, not on the files around it nor on the number of workers.
    """
    threads = torch.get_num_threads()
    upcoming, judging = _pictures(paths, job), deque[Future[list[ScreeningRow]]]()
    for segmenter in {lungs.CHILDREN, lungs.segmenter_of(model.card.input)}:
        _lung_network(segmenter)  # loaded once, before the threads ask for it together
    if model.card.input.view == "native":
        lungs.network(lungs.ALL_AGES)
    with (
        ThreadPoolExecutor(sandbox.POOL) as readers,
        ThreadPoolExecutor(
            workers or os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,)
        ) as judges,
    ):
        try:
            while True:
                while len(judging) < BATCHES_AHEAD and (few := list(islice(upcoming, BATCH_SIZE))):
                    opening = [readers.submit(_open, model, *picture, job) for picture in few]
                    judging.append(judges.submit(_judge_together, model, opening, job))
                if not judging:
                    return
                yield from judging.popleft().result()
        finally:
            judges.shutdown(wait=False, cancel_futures=True)
            readers.shutdown(wait=False, cancel_futures=True)
            torch.set_num_threads(threads)  # what a worker sets holds for all threads that start later


def _pictures(paths: Iterable[Path], job: Job) -> Iterator[tuple[Path, int | None]]:
    """What to judge: a file and the frame of it, from 0, or None for its own."""
    for path in paths:
        frames = 1
        if job.every_frame:
            with contextlib.suppress(OSError, OpacityError):  # _open says why, in its row
                frames = images.read(folders.read(path), path.name).frames
        yield from ((path, frame) for frame in range(frames)) if frames > 1 else [(path, None)]


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A scan brought down to film size: nothing after this sees more. said: by the gate, of its header.

    digest: of the file, whichever frame this is.
    aligned: (1, C, size, size), what the card's network sees, where that is cut from the scan's own pixels.
    """

    path: str
    scan: Scan
    said: str
    digest: str
    aligned: Tensor | None = None


def _open(model: Model, path: Path, frame: int | None, job: Job) -> _Opened | ScreeningRow:
    name, digest = path.as_posix(), ""
    try:
        data = folders.read(path)
        digest = hashlib.sha256(data).hexdigest()
        if key(digest, (frame or 0) + 1, job) in job.known:
            return ScreeningRow(name, "known", digest=digest)
        scan = images.read(data, path.name, View(frame=frame))
        said = _objection(lambda: gate.check_header(scan, model.card), job)
    except OSError as error:
        reason = f"{folders.shown(path)} cannot be opened: {error.strerror}."
        return ScreeningRow(name, "unreadable", error=reason)
    except RefusedScan as error:
        return ScreeningRow(
            name, "refused", error=str(error), digest=digest, frames=scan.frames, frame=scan.frame + 1
        )
    except OpacityError as error:
        return ScreeningRow(name, "unreadable", error=str(error), digest=digest)
    film = as_film(scan.pixels)[0, 0].numpy()
    native = model.card.input.view == "native"
    aligned = align(scan, model.card.input)[0] if native else None
    return _Opened(name, replace(scan, pixels=film), said, digest, aligned)


def _objection(ask: Callable[[], None], job: Job) -> str:
    """What the gate says against a scan that is judged all the same. Raises RefusedScan unless overridden."""
    try:
        ask()
    except RefusedScan as reason:
        if not job.override:
            raise
        return f"Gate overridden. {reason}"
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class _Admitted:
    """A scan to be judged. box: (top, left, bottom, right) in fractions of the film."""

    opened: _Opened
    box: tuple[float, float, float, float]
    said: str


def _judge_together(
    model: Model, opening: Sequence[Future[_Opened | ScreeningRow]], job: Job
) -> list[ScreeningRow]:
    """At most BATCH_SIZE files; the rows of those that could not be opened are kept in their place."""
    opened = [future.result() for future in opening]
    scans = [item for item in opened if isinstance(item, _Opened)]
    admitted = [
        _admit(model, item, seen, job) for item, seen in zip(scans, _survey(scans, model.card), strict=True)
    ]
    passed = [item for item in admitted if isinstance(item, _Admitted)]
    judged = iter(_judge_admitted(model, passed, job) if passed else [])
    outcomes = iter([next(judged) if isinstance(item, _Admitted) else item for item in admitted])
    return [item if isinstance(item, ScreeningRow) else next(outcomes) for item in opened]


def _survey(scans: Sequence[_Opened], card: Card) -> list[gate.ScanFeatures]:
    """What the gate has to know of each scan; the lungs on the network's own grid."""
    if not scans:
        return []
    films, segmenter = _full(_films(scans)), lungs.segmenter_of(card.input)
    probabilities, features = lungs.probabilities_and_features(films, _lung_network())
    if segmenter != lungs.CHILDREN:
        probabilities = lungs.probabilities(films, _lung_network(segmenter))
    return [
        gate.ScanFeatures(lungs.measure(probabilities[i]), features[i : i + 1]) for i in range(len(scans))
    ]


def _admit(model: Model, opened: _Opened, seen: gate.ScanFeatures, job: Job) -> _Admitted | ScreeningRow:
    try:
        said = opened.said or _objection(
            lambda: gate.check_film(opened.scan, model.card, seen.fields, described=seen), job
        )
    except RefusedScan as error:
        return _row(opened, ScreeningRow(opened.path, "refused", error=str(error)))
    return _Admitted(opened, _box(model.card, opened, seen), said)


def _box(card: Card, opened: _Opened, seen: gate.ScanFeatures) -> tuple[float, float, float, float]:
    """What the card looks at, in fractions of the film."""
    if card.input.region == "lungs":
        top, left, bottom, right = (edge / lungs.SIZE for edge in seen.fields.box)
    elif card.input.region == "head":
        top, left, bottom, right = heads.boxes(_films([opened]))[0].tolist()
    else:
        top, left, bottom, right = 0.0, 0.0, 1.0, 1.0
    return top, left, bottom, right


def _judge_admitted(model: Model, passed: Sequence[_Admitted], job: Job) -> list[ScreeningRow]:
    x = _aligned(passed, model.card)
    cut = model.card.threshold if job.threshold is None else job.threshold
    rows: list[ScreeningRow] = []
    for item, (score, probabilities) in zip(passed, _answers(model, _full(x)), strict=False):
        verdict = verdict_of(score, cut)
        scan, said = item.opened.scan, item.said
        audit.record(model.card, scan, threshold=cut, verdict=verdict, overridden=bool(said))
        row = ScreeningRow(item.opened.path, "ok", score, cut, verdict, said, probabilities)
        rows.append(_row(item.opened, row))
    return rows


def _row(opened: _Opened, row: ScreeningRow) -> ScreeningRow:
    """The row with what is known of the file."""
    scan = opened.scan
    return replace(row, digest=opened.digest, frames=scan.frames, frame=scan.frame + 1)


def _aligned(passed: Sequence[_Admitted], card: Card) -> Tensor:
    """(N, C, size, size), what the card's network sees of each."""
    ready = [item.opened.aligned for item in passed if item.opened.aligned is not None]
    if len(ready) == len(passed):
        return torch.cat(ready)
    boxes = torch.tensor([item.box for item in passed])
    return align_films(_films([item.opened for item in passed]), boxes, card.input)


def _answers(model: Model, x: Tensor) -> list[tuple[float, dict[str, float]]]:
    """x: (N, C, H, W), aligned. Score and, of a classifier, probabilities by label."""
    card = model.card
    with torch.inference_mode():
        if isinstance(model.network, Detector):
            return [(score, {}) for score in model.network.score(x).score.tolist()]
        rows = torch.softmax(model.network(x), dim=1).tolist()
    named = [dict(zip(card.labels, row, strict=True)) for row in rows]
    return [(inference.abnormal_score(probabilities, card), probabilities) for probabilities in named]


def _films(scans: Sequence[_Opened]) -> Tensor:
    """(N, 1, FILM_SIZE, FILM_SIZE)."""
    return torch.stack([torch.from_numpy(item.scan.pixels) for item in scans])[:, None]


def _full(x: Tensor) -> Tensor:
    """BATCH_SIZE of them: the last one repeated."""
    return torch.cat([x, x[-1:].expand(BATCH_SIZE - len(x), *x.shape[1:])])


def judge_named(
    model: Model,
    data: bytes,
    path: str,
    *,
    threshold: float | None = None,
    override: bool = False,
    view: View = AS_SENT,
) -> ScreeningRow:
    """One file's row from its bytes, and its line in the audit log.

    model: that judges.
    data: the file's bytes.
    path: as it shall stand in the row.
    threshold: on the score; the card's own when None.
    override: judge what the gate refuses.
    view: which frame, and how it is shown.
    """
    cut = model.card.threshold if threshold is None else threshold
    digest = hashlib.sha256(data).hexdigest()
    try:
        scan = images.read(data, path.rsplit("/", 1)[-1], view)
        admission = admit(model, scan, override=override)
    except RefusedScan as error:
        row = ScreeningRow(path, "refused", error=str(error), digest=digest)
        return replace(row, frames=scan.frames, frame=scan.frame + 1)
    except OpacityError as error:
        return ScreeningRow(path, "unreadable", error=str(error), digest=digest)
    result = inference.judge(model, scan, admission.fields)
    verdict = verdict_of(result.score, cut)
    audit.record(model.card, scan, threshold=cut, verdict=verdict, overridden=bool(admission.overridden))
    return ScreeningRow(
        path=path,
        status="ok",
        score=result.score,
        threshold=cut,
        verdict=verdict,
        error=admission.overridden,
        probabilities=result.probabilities if isinstance(result, Prediction) else {},
        digest=digest,
        frames=scan.frames,
        frame=scan.frame + 1,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """What the gate let through. overridden: what it said against it, empty when it passed."""

    fields: LungFields | None
    overridden: str = ""


def admit(model: Model, scan: Scan, *, override: bool = False) -> Admission:
    """Ask the gate. Raises RefusedScan unless a person overrides it.

    model: that shall judge.
    scan: as it was sent.
    override: note what the gate says, and go on.
    """
    segmenter = lungs.segmenter_of(model.card.input)
    fields = lungs.find(scan, segmenter) if model.card.input.region == "lungs" else None
    said = _objection(lambda: gate.check(scan, model.card, fields), Job(override=override))
    return Admission(fields, said)
