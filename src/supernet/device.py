"""What a process must set before its first tensor: determinism, threads, allocator."""

import contextlib
import ctypes
import os
from typing import TYPE_CHECKING

from supernet.errors import UserError

if TYPE_CHECKING:
    import torch


def prepare(threads: int = 1, device: str = "cpu") -> str:
    """Set torch up for one deterministic job and return the device to use.

    ``threads`` changes bits (sums are split differently), so it is a parameter and not taken from the machine.
    ``device`` is ``cpu``, ``cuda`` or ``auto`` (CUDA where there is one). ``UserError`` if there is none to use.
    """
    import torch

    _keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a fifth of a step
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32 on an accelerator, too
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS adds up in another order each time
    torch.set_flush_denormal(True)
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but torch finds no such device here; set it to cpu or auto")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def layout(device: "str | torch.device") -> "torch.memory_format":
    """The memory format in which float32 convolutions are fastest: channels last on a CPU, not on a GPU."""
    import torch

    return torch.channels_last if torch.device(device).type == "cpu" else torch.contiguous_format


def autocast(precision: str, device: str) -> contextlib.AbstractContextManager:
    """A context in which networks run in ``precision``: ``fp32``, or ``bf16`` where torch's autocast allows it."""
    import torch

    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def _keep_freed_memory() -> None:
    """Tell glibc to reuse large blocks: else every activation is mapped and page-faulted anew (1.2 times the time)."""
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
    with contextlib.suppress(OSError, AttributeError):  # other C libraries have no mallopt
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)
        libc.mallopt(m_top_pad, 256 * 2**20)
