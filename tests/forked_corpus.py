"""The corpus command in a process of its own, as often as asked, with the model loaded once before.

A line of JSON comes in, with the command's arguments and where its output goes; the process's id goes out, and once it
has ended, its exit status: negative where a signal ended it.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import traceback

import torch

from pooling.catalogue import DEFAULT
from pooling.corpus.command import main
from pooling.corpus.work import encoder_of

NEW_MOUNTS = 0x00020000
NO_DISK = 77


def run(arguments: list[str]) -> int:
    """The command, as the shell sees it end."""
    ended = main(arguments)
    if isinstance(ended, str):
        print(ended, file=sys.stderr)
    return ended if isinstance(ended, int) else int(ended is not None)


def on_a_small_disk(arguments: list[str], sizes: list[str], kept: str) -> int:
    """The command once for each size of a disk that grows, which nobody else sees; what is there is kept in the end."""
    folder = arguments[1]
    os.makedirs(folder)  # noqa: PTH103
    if ctypes.CDLL(None).unshare(NEW_MOUNTS):
        return NO_DISK
    for i, size in enumerate(sizes):
        # Of all that is mounted, nothing goes back to where this came from.
        commands = [["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]]
        for command in [["mount", "-o", f"remount,size={size}", folder]] if i else commands:
            if subprocess.run(command).returncode:
                return NO_DISK
        print(f"with {size}, ended with {run(arguments)}: {sorted(os.listdir(folder + '/vectors'))}", flush=True)  # noqa: PTH208
    shutil.copytree(folder, kept)
    return 0


def fork(asked: dict) -> int:
    """Run the command in a child, within a limit of bytes a file or on a small disk where that is asked for."""
    if child := os.fork():
        return child
    with contextlib.suppress(BaseException):
        try:
            # Where the tests run in the background, the first is ignored.
            for end in (signal.SIGINT, signal.SIGTERM):
                signal.signal(end, signal.default_int_handler)
            with open(asked["said"], "w") as said:  # noqa: PTH123
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
            if most := asked.get("most_bytes"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            if sizes := asked.get("sizes"):
                ended = on_a_small_disk(asked["arguments"], sizes, asked["kept"])
            else:
                ended = run(asked["arguments"])
            sys.stdout.flush()
            os._exit(ended)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(99)


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads do not survive a fork
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    encoder_of(DEFAULT)
    print("ready", flush=True)
    for line in sys.stdin:
        child = fork(json.loads(line))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
