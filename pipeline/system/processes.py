# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process of this machine still runs, whether it is the one that was meant, and which machine this is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import uuid
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    if sys.platform == "win32":
        return _windows_facts(pid) is not None
    if (state := _linux_stat(pid, 0)) is not None:
        return state not in ("Z", "X")  # a zombie has ended, though its number is still taken
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def birth(pid: int) -> str:
    """Something that differs between two processes that had the same number; empty where the system doesn't tell."""
    if sys.platform == "win32":
        return _windows_facts(pid) or ""
    if (started := _linux_stat(pid, 19)) is not None:
        return started
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["/bin/ps", "-o", "lstart=", "-p", str(int(pid))]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    return ""


_FIRST_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO of Linux: that of the machine itself, not of a container


def namespace() -> str:
    """Where this process's number is valid: a container has numbers of its own. Empty where that can't be told."""
    if not sys.platform.startswith("linux"):
        return sys.platform
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def machine() -> list[str]:
    """Names that this running system has and no other, whatever its host name: two lists that share one are of one system.

    All containers of a machine have the same; file locks hold between them. A restarted machine keeps one where it can.
    They are digests, since run folders are handed on and a machine's own names are not for strangers (machine-id(5)).
    """
    names = []
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "win32":
            import winreg

            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
                names.append(str(winreg.QueryValueEx(key, "MachineGuid")[0]))
        elif sys.platform == "darwin":
            import ctypes

            host, patience = (ctypes.c_ubyte * 16)(), (ctypes.c_long * 2)(1, 0)
            if ctypes.CDLL(None).gethostuuid(host, patience) == 0:  # gethostuuid(2)
                names.append(bytes(host).hex())
        else:
            names.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
            own = Path("/etc/machine-id").read_text(encoding="ascii").strip()
            if own and namespace() == _FIRST_NAMESPACE:  # images of containers and cloned machines may share one
                import socket  # a millisecond or three, which registering need not wait for

                names.append(f"{own} {socket.gethostname()}")
    names = names or [f"{uuid.getnode():x}"]
    return [hashlib.sha256(f"consistency-pipeline {name}".encode()).hexdigest()[:16] for name in names]


def _linux_stat(pid: int, index: int) -> str | None:
    """A field of /proc/PID/stat, counted from the state (proc(5): 0 state, 19 start time); None where there is none."""
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return text.rpartition(")")[2].split()[index]
    return None


def _windows_facts(pid: int) -> str | None:
    """The creation time of a running process; empty where it is another user's; None where there is none."""
    import ctypes

    access_denied, still_active, query_limited_information = 5, 259, 0x1000
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(query_limited_information, False, pid))
    if not handle:
        return "" if ctypes.get_last_error() == access_denied else None  # type: ignore[attr-defined,unused-ignore]
    code, times = ctypes.c_ulong(), [ctypes.c_ulonglong() for _ in range(4)]
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.GetProcessTimes(handle, *(ctypes.byref(each) for each in times))
    kernel.CloseHandle(handle)
    return str(times[0].value) if code.value == still_active else None
