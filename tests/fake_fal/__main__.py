# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tests.fake_fal``: run the fake until interrupted, and print what to export."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import threading

from .control import Control
from .fake import REALISTIC, FakeFal


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_fal", description="A fake fal.ai to try out")
    parser.add_argument("--latency", type=float, help="seconds a request runs (default: 0.5)", default=0.5)
    parser.add_argument("--realistic", action="store_true", help=f"as long as fal's: {REALISTIC}")
    parser.add_argument("--concurrency", type=int, default=10, help="requests of a key that run at once")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control door (default: any free one)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines to export")
    options = parser.parse_args()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with FakeFal(latency=REALISTIC if options.realistic else options.latency, concurrency=options.concurrency) as fake:
        control = Control(fake, options.control_port)
        variables = fake.environment() | {"FAKE_FAL_CONTROL": control.url}
        if options.json:
            print(json.dumps(variables), flush=True)
        else:
            word = "set" if os.name == "nt" else "export"
            for name, value in variables.items():
                print(f"{word} {name}={value if os.name == 'nt' else shlex.quote(value)}", flush=True)
            print("The fake runs until Ctrl-C.", file=sys.stderr, flush=True)
        while not stop.wait(0.5):  # a plain wait can't be interrupted on Windows
            pass
        print(f"billed: {fake.books.usd:.4f} USD in {len(fake.books)} requests", file=sys.stderr)
        control.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
