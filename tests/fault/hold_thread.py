"""Holds the threads of a process whose names begin so, until the input ends: hold_thread.py PID PREFIX.

Says `holds`, or why it cannot. Only these threads stand still, as when the disk hangs on which they wait.
"""

import ctypes
import os
import sys
from pathlib import Path

SEIZE, INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def trace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main(process, prefix):
    tasks = Path(f"/proc/{process}/task").iterdir()
    threads = [int(task.name) for task in tasks if (task / "comm").read_text().startswith(prefix)]
    if not threads:
        sys.exit(f"process {process} has no thread whose name begins with {prefix}")
    try:
        for thread in threads:
            trace(SEIZE, thread)
            trace(INTERRUPT, thread)
            os.waitpid(thread, WALL)
    except OSError as error:
        # Those that are held are let go when this process ends.
        print(f"a thread cannot be held here: {error.strerror}", flush=True)
    else:
        print("holds", flush=True)
        sys.stdin.read()


main(*sys.argv[1:])
