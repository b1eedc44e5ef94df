"""The networks of the campaign, with their pretrained starts."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from core.models.adapted import WIDTH, AdaptedTransformer
from core.models.backbones import VisionTransformer
from core.models.lung_mobilenet import LungMobileNetV2
from train.hospitals.learn import Asked, Plan


def build(plan: Plan, folder: Path) -> Asked:
    """folder: dinov2-vits14.safetensors and mobilenet_v2.safetensors."""
    if plan.network == "adapted-transformer":
        net = AdaptedTransformer(rank=max(plan.rank, 1))
        backbone = VisionTransformer()
        given = {k: v.float() for k, v in load_file(folder / "dinov2-vits14.safetensors").items()}
        backbone.load_state_dict(given)
        net.set_base(backbone)
        if plan.rank == 0:
            net.adapters.requires_grad_(False)
        return Asked(net, WIDTH)
    mobile = LungMobileNetV2(
        channels=3, layers={"lung-mobilenet-v2": 18, "lung-mobilenet-v2-small": 14}[plan.network]
    )
    given = load_file(folder / "mobilenet_v2.safetensors")
    own = mobile.state_dict()
    fitting = {
        name: given[name.replace("layers.", "features.", 1)].to(value.dtype)
        for name, value in own.items()
        if name.replace("layers.", "features.", 1) in given
    }
    assert len(fitting) > 50
    mobile.load_state_dict({**own, **fitting})
    return Asked(mobile, mobile.width)


def weights(asked: Asked) -> dict[str, torch.Tensor]:
    """What is the network's own, for a file."""
    return {
        name: (value.half() if value.ndim > 1 else value.float() if value.is_floating_point() else value)
        .cpu()
        .contiguous()
        for name, value in asked.state_dict().items()
        if ".base." not in name
    }
