"""bfloat16, on processors that have it; float32 on all others."""

from functools import cache

import torch

# That multiply in bfloat16. oneDNN alone says yes to every AVX-512, and imitates them in 4 times the time of
# float32; the processor alone does not know what oneDNN was told to leave out. So both are asked.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


@cache
def has_bfloat16(device: torch.device | str) -> bool:
    """Whether the device multiplies in bfloat16 itself. False for kinds of device not known here."""
    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in INSTRUCTIONS) and _onednn_agrees()


def _onednn_agrees() -> bool:
    """A private operator, the one way to ask; where it is gone, the processor's word is enough."""
    ask = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return True if ask is None else bool(ask())


def half(device: torch.device | str, *, wanted: bool = True) -> torch.autocast:
    """A context for forward passes: bfloat16 where it is wanted and the device has it, else float32."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=wanted and has_bfloat16(device))
