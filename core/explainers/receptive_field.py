"""Feature maps of films that differ from one film in a window each: early steps look at the window only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.base import Classifier

WORTH = 0.6  # share of the maps from which on cutting out costs more than it saves

Step = Callable[[Tensor], Tensor]
Corner = tuple[int, int]  # top, left


class Windowed:
    """A classifier's features of a film with a window changed, at a part of the cost of the whole film.

    Equal to `model.features` but for the last bits. Steps that see far, and all after them, see whole maps.
    """

    def __init__(self, model: Classifier, x: Tensor, window: int, swift: Classifier | None = None) -> None:
        """Follow x through the network, to find how far its steps see.

        model: with the cut between features and head.
        x: (1, C, H, W), laid out as the films will be.
        window: pixels a side that films may differ in.
        swift: the same network laid out for speed, which does the work; a fused ReLU hides what cells see.
        """
        self.window = window
        self._clean, self._cuts, self._rest = x, list[_Cut](), list((swift or model).steps())
        size = window
        for plain in list(model.steps())[:-1] if x.shape[2] == x.shape[3] else []:  # squares of a square
            after = self._rest[0](self._clean)
            cut = _Cut.of(plain, self._rest[0], self._clean, after, size)
            if cut is None:
                break
            self._cuts.append(cut)
            self._clean, self._rest, size = after, self._rest[1:], cut.result

    def features(self, films: Tensor, corners: Sequence[Corner]) -> Tensor:
        """films: (N, C, H, W), each equal to x but in the window at its corner, cut at the edge."""
        if self._cuts:
            last = films.shape[-1] - self.window
            corners = [(min(top, last), min(left, last)) for top, left in corners]
            patches = _squares(films, corners, self.window)
            for cut in self._cuts:
                patches, corners = cut.through(patches, corners)
            films = self._clean.repeat(len(patches), 1, 1, 1)
            _paste(films, patches, corners)
        for step in self._rest:
            films = step(films)
        return films


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A step on squares of its input, of which `size` cells a side are changed and `field` are looked at.

    Cell j of the output sees cells stride * j - before to stride * j + after of the input. result: cells of
    the output, a side, that may change. last: the largest index at which these can begin. clean: the input.
    """

    step: Step
    clean: Tensor
    stride: int
    before: int
    after: int
    field: int
    result: int
    last: int

    @classmethod
    def of(cls, plain: Step, step: Step, clean: Tensor, out: Tensor, size: int) -> "_Cut | None":
        """None where the step sees so far that a square is not worth it.

        plain: the step as it can be followed.
        step: as it is done.
        clean, out: its input and output for the unchanged film.
        size: cells of the input, a side, that are changed.
        """
        side, out_side = clean.shape[-1], out.shape[-1]
        stride = round(side / out_side)
        before, after = _reach(plain, clean, stride)
        result = (size - 1 + before + after) // stride + 1
        field = (result - 1) * stride + before + after + stride
        field += (side - field) % stride  # the last square must lie on the grid of strides too
        blind = stride * (out_side - 1) + after + 1 < side  # the last cells of the input are not seen
        if blind or field**2 > WORTH * side**2:
            return None
        return cls(step, clean, stride, before, after, field, result, out_side - result)

    def through(self, patches: Tensor, corners: Sequence[Corner]) -> tuple[Tensor, list[Corner]]:
        """Changed squares of the input and where they lie -> those of the output."""
        firsts = [(self._first(top), self._first(left)) for top, left in corners]
        begins = [(self._begin(top), self._begin(left)) for top, left in firsts]
        fields = _squares(self.clean.expand(len(patches), -1, -1, -1), begins, self.field)
        _paste(fields, patches, _from(corners, begins))
        grid = [(top // self.stride, left // self.stride) for top, left in begins]
        return _squares(self.step(fields), _from(firsts, grid), self.result), firsts

    def _first(self, start: int) -> int:
        """The first cell of the output that sees a square from `start` on."""
        return min(max(-((self.after - start) // self.stride), 0), self.last)

    def _begin(self, first: int) -> int:
        """Where that cell's field begins, on the grid of strides and inside the input."""
        aligned = (self.stride * first - self.before) // self.stride * self.stride
        return min(max(aligned, 0), self.clean.shape[-1] - self.field)


def _reach(step: Step, clean: Tensor, stride: int) -> tuple[int, int]:
    """(before, after), found by following cells that are not a number."""
    middle = clean.shape[-1] // 2
    marked = clean.repeat(stride, 1, 1, 1)
    for offset, film in enumerate(marked):
        film[:, middle + offset, middle + offset] = float("nan")
    hit = step(marked).isnan().any(1)  # (stride, h, w)
    film_of, cell = (hit.any(1) | hit.any(2)).nonzero().unbind(1)
    ahead = stride * cell - (middle + film_of)
    return max(int(ahead.max()), 0), max(int(-ahead.min()), stride - 1)


def _squares(maps: Tensor, corners: Sequence[Corner], size: int) -> Tensor:
    """(N, D, size, size), from each of the N maps the square at its corner."""
    shape = (len(corners), maps.shape[1], size, size)
    cut = torch.empty(shape, dtype=maps.dtype, memory_format=torch.channels_last)
    for square, map_, (top, left) in zip(cut, maps, corners, strict=True):
        square.copy_(map_[:, top : top + size, left : left + size])
    return cut


def _paste(maps: Tensor, squares: Tensor, corners: Sequence[Corner]) -> None:
    size = squares.shape[-1]
    for map_, square, (top, left) in zip(maps, squares, corners, strict=True):
        map_[:, top : top + size, left : left + size] = square


def _from(corners: Sequence[Corner], origins: Sequence[Corner]) -> list[Corner]:
    """Corners as seen from other corners."""
    return [(top - y, left - x) for (top, left), (y, x) in zip(corners, origins, strict=True)]
