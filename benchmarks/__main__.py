"""``make bench``: the measurements that the README quotes, one after another."""

from __future__ import annotations

import subprocess
import sys

PARTS = (["benchmarks.references"], ["benchmarks.makespan"])


def main() -> int:
    status = 0
    for part in PARTS:
        print(f"\n== python -m {' '.join(part)}", flush=True)
        status |= subprocess.run([sys.executable, "-m", *part], check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
