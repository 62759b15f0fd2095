# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that somebody named: that it is one, before it is opened. Opening a named pipe waits for whoever writes to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import BadInput


def check_regular(path: Path) -> os.stat_result:
    """What the file system says of a regular file. Raises BadInput, with the cure, for anything else."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            target = path.readlink()
            raise BadInput(
                f"{path.name} is a link to {target}, which doesn't exist; link it again, or name the file itself"
            ) from error
        raise BadInput(f"{path} doesn't exist; check the spelling and the folder") from error
    except NotADirectoryError as error:
        raise BadInput(f"{path} doesn't exist; check the spelling and the folder") from error
    except (OSError, ValueError) as error:  # a name that is too long, a link to itself, a byte no name may have
        why = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{path.name[:80]} can't be read ({why}); check its name and its permissions") from error
    if stat.S_ISDIR(found.st_mode):
        raise BadInput(f"{path} is a folder; name the model or the photos inside it")
    if not stat.S_ISREG(found.st_mode):
        raise BadInput(f"{path.name} is a pipe or a device and no file; save it as a file and name that")
    return found
