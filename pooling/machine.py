"""What the machine has left, and giving memory back to it."""

import contextlib
import ctypes
import gc
import os
import shutil
import sys
from pathlib import Path

# The names that glibc's malloc.h has for them.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8


def free_memory() -> int:
    """Bytes that can still be taken, within the container's limit where it has one."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):  # Windows, macOS: unknown, and nobody is turned away
        return sys.maxsize
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        group = Path("/sys/fs/cgroup")
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        # What the kernel keeps of files counts as used, and is given up when asked for.
        kept = next(
            line for line in (group / "memory.stat").read_text().splitlines() if line.startswith("inactive_file")
        )
        free = free if limit == "max" else min(free, int(limit) - int(used) + int(kept.split()[1]))
    except (OSError, StopIteration):
        pass  # not Linux, or no container
    return free


def free_disk(folder: Path) -> int:
    """Bytes that can still be written where this folder is, or will be."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def keep_little() -> None:
    """Have the C library return what is freed, rather than keep it for later: some 30 MB of the app's 900."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(M_ARENA_MAX, 2)
        # Once set it no longer grows by itself; below 8 MB a forward pass would ask the system for every matrix.
        library.mallopt(M_MMAP_THRESHOLD, 8 * 2**20)


def give_memory_back() -> None:
    """Collect what is no longer used, and let the C library and PyTorch return it to the system and the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory was lacking, of the machine or of its accelerator."""
    named = type(error).__name__ == "OutOfMemoryError"  # torch's, for a GPU
    return isinstance(error, MemoryError) or named or "can't allocate memory" in str(error)


def disk_full(error: BaseException) -> bool:
    """Whether it says that nothing more can be written."""
    return "No space left on device" in str(error)


def megabytes(size: int) -> str:
    """A size for a reader: "91 MB", "1.2 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 999.5e6 else f"{max(1, round(size / 1e6))} MB"
