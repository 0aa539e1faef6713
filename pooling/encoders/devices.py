"""What a model can run on here."""

import difflib
import os

import torch

KINDS = {"cpu": "a processor", "cuda": "an NVIDIA GPU", "mps": "an Apple GPU"}


def default_device() -> str:
    """`POOLING_DEVICE` if set, else CUDA, else MPS, else the CPU.

    Raises:
        ValueError: when `POOLING_DEVICE` names none that is there.
    """
    if wanted := os.environ.get("POOLING_DEVICE"):
        return check_device(wanted, asked=f"POOLING_DEVICE={wanted}")
    return devices()[0]


def devices() -> list[str]:
    """The devices that are here, the best first: each GPU by its number where there are several."""
    found = []
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        found += ["cuda", *(f"cuda:{i}" for i in range(count if count > 1 else 0))]
    if torch.backends.mps.is_available():
        found += ["mps"]
    return [*found, "cpu"]


def check_device(name: str, *, asked: str = "") -> str:
    """The name of a device that is here.

    Args:
        name: "cpu", "cuda", "cuda:1" or "mps".
        asked: the words that asked for it, where they were others than `device=`.

    Raises:
        ValueError: when it is not, saying what is.
    """
    here = devices()
    if name.removesuffix(":0") in here:
        return name
    asked, kind = asked or f"device={name!r}", name.partition(":")[0]
    near = difflib.get_close_matches(kind.strip().lower(), KINDS, n=1)
    if kind == "cuda" and not torch.backends.cuda.is_built():
        why = f"{asked} needs CUDA, which this PyTorch is built without."
    elif kind in KINDS:
        why = f"{asked} needs {KINDS[kind]}, and PyTorch finds none by that name on this machine."
    elif kind.strip().lower() == "gpu":
        why = f"{asked} is no device: a GPU is called 'cuda' (NVIDIA) or 'mps' (Apple)."
    else:
        why = f"{asked} is no device" + (f"; did you mean {near[0]!r}?" if near else ".")
    there = " or ".join(map(repr, here))
    raise ValueError(f"{why} Here it can be {there}; leave it out for the best of them.")


def check_bfloat16(device: torch.device) -> None:
    """Whether a device computes in bfloat16 itself: where it is emulated, it is slower than float32.

    Raises:
        ValueError: when it does not.
    """
    if device.type == "cuda":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        there = any(able.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    if not there:
        raise ValueError(
            f"This {device.type.upper()} has no bfloat16 of its own (on a CPU: AMX or AVX-512 BF16); leave it out."
        )
