# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system's own lock on a file. It ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import os
import sys
import time

HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}


def try_lock(file: int, *, shared: bool = False) -> bool:
    """Lock the open ``file`` until it is closed; False where somebody else has locked it.

    ``shared``: only to learn whether somebody has; several may ask so at once. The file is locked for whoever opened it,
    this process's other openings of it excluded. Raises OSError where files can't be locked on this drive.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            return False
        raise
    return True


def lock_within(file: int, seconds: float, *, shared: bool = False) -> bool:
    """``try_lock`` again and again for so long."""
    deadline, pause = time.monotonic() + seconds, 0.002
    while not try_lock(file, shared=shared):
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    return True
