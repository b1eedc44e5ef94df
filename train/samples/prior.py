"""What latents look like at first glance: one bell curve a mode, and the denoising that follows from it.

At strong noise that is nearly all there is to know (Wang & Vastola 2023, arXiv:2311.10892); the network
then learns only what the bell curves miss, in a fraction of the time.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import functional as F

MODES = 4  # of each condition: planes and framings, so that no mode spans two of them
COARSE = 14  # places a side: what the modes are told apart by
RANK = 320


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """K modes. means: (K, D). kind: (K,), which spread a mode has. basis: (G, R, D), orthonormal rows.

    variances: (G, R) along the basis. rest: (G,), the variance along every other direction.
    """

    means: Tensor
    kind: Tensor
    basis: Tensor
    variances: Tensor
    rest: Tensor

    def velocity(self, x: Tensor, time: Tensor, mode: Tensor) -> Tensor:
        """Expected noise less latents, given x = (1 - time) latents + time noise.

        x: (N, C, H, W).
        time: (N,).
        mode: (N,).
        """
        flat, t = x.flatten(1), time[:, None]
        kind = self.kind[mode]
        off = flat - (1 - t) * self.means[mode]
        rest = self._gain(self.rest[kind][:, None], t)
        clean = self.means[mode] + rest * off
        for group in kind.unique().tolist():
            of = kind == group
            along = off[of] @ self.basis[group].T
            gain = self._gain(self.variances[group][None], t[of]) - rest[of]
            clean[of] += (gain * along) @ self.basis[group]
        return ((flat - clean) / t).view_as(x)

    @staticmethod
    def _gain(variance: Tensor, time: Tensor) -> Tensor:
        return (1 - time) * variance / ((1 - time) ** 2 * variance + time**2)


def cluster_centres(pixels: Tensor, condition: Tensor, seed: int) -> Tensor:
    """MODES of every condition, of thumbnails.

    pixels: (N, 1, H, W).
    condition: (N,).
    seed: of k-means.
    Returns (conditions * MODES, COARSE * COARSE).
    """
    looks = _thumbnails(pixels)
    found = [
        KMeans(MODES, n_init=4, random_state=seed).fit(looks[condition == value].numpy()).cluster_centers_
        for value in condition.unique().tolist()
    ]
    return torch.from_numpy(np.concatenate(found)).float()


def nearest_modes(pixels: Tensor, condition: Tensor, centres: Tensor) -> Tensor:
    """The nearest centre of each scan's own condition.

    pixels: (N, 1, H, W).
    condition: (N,).
    centres: (conditions * MODES, COARSE * COARSE).
    Returns (N,), condition * MODES + 0..MODES - 1.
    """
    far = torch.cdist(_thumbnails(pixels), centres)
    other = torch.arange(len(centres)) // MODES != condition[:, None]
    return far.masked_fill(other, float("inf")).argmin(1)


def _thumbnails(pixels: Tensor) -> Tensor:
    looks = torch.cat([F.adaptive_avg_pool2d(some.float(), COARSE).flatten(1) for some in pixels.split(256)])
    return (looks - looks.mean(1, keepdim=True)) / looks.std(1, keepdim=True)


def fit_prior(latents: Tensor, mode: Tensor, family: Tensor, rank: int = RANK) -> Prior:
    """A Gaussian per mode.

    The modes of a family share their spread. After them come F modes more, "any of the family", with the
    family's own mean and its whole spread: what guidance steers away from.

    latents: (N, C, H, W).
    mode: (N,), in 0..K-1.
    family: (N,), in 0..F-1, the kind of scan.
    rank: principal directions that are kept.
    """
    flat, families = latents.flatten(1).float(), int(family.max()) + 1
    count = int(mode.max()) + 1
    own = torch.stack([flat[mode == k].mean(0) for k in range(count)])
    whole = torch.stack([flat[family == f].mean(0) for f in range(families)])
    kind = torch.tensor([int(family[mode == k][0]) for k in range(count)])
    spreads = [_principal_spread((flat - own[mode])[family == f], rank) for f in range(families)]
    spreads += [_principal_spread((flat - whole[family])[family == f], rank) for f in range(families)]
    basis, variances, rest = (torch.stack(parts) for parts in zip(*spreads, strict=True))
    return Prior(
        torch.cat([own, whole]),
        torch.cat([kind, families + torch.arange(families)]),
        basis,
        variances,
        rest,
    )


def _principal_spread(off: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Principal directions (R, D), variances (R,) and the mean variance of what they leave."""
    rank = min(rank, len(off) // 2)
    with torch.random.fork_rng():  # svd_lowrank takes no generator
        torch.manual_seed(0)
        _, values, directions = torch.svd_lowrank(off, q=rank, niter=2)
    variances = values.square() / len(off)
    rest = (off.square().sum() / len(off) - variances.sum()) / (off.shape[1] - rank)
    return directions.T.contiguous(), variances, rest
