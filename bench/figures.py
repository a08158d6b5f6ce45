"""The figures of bench/run.sh. Each is a ratio of alternating runs on the same server and the same rows."""

import argparse
import os
import pathlib
import platform
import sys
import tempfile
import time

from clients import client_figures
from copying import copy_figures, resume_figures, scaling_figures, snapshot_figures
from falsework import Falsework
from in_place import in_place_figures
from peers import Pgroll, find_pgroll
from planning import planning_figures
from report import write_report
from server import Server
from triggers import added_figures, unrelated_figures

# In the order of the report.
PARTS = {
    "copy": copy_figures,
    "snapshots": snapshot_figures,
    "trigger": added_figures,
    "unrelated": unrelated_figures,
    "clients": client_figures,
    "in_place": in_place_figures,
    "resume": resume_figures,
    "planning": planning_figures,
    "scaling": scaling_figures,
}


class Bench:
    """What the parts share: the server, the contenders, the sizes, and what they have found."""

    def __init__(self, options, directory):
        self.directory, self.quick = directory, options.quick
        self.rows = options.rows or (200_000 if options.quick else 5_000_000)
        self.rounds = options.rounds or (1 if options.quick else 3)
        # The peer takes longest; one that is several times slower is so in two rounds as well.
        self.pgroll_rounds = min(self.rounds, 2)
        self.mix_rounds = min(self.rounds, 2)
        self.rate = options.rate
        larger = () if options.quick else (4 * self.rows,)
        self.sizes = sorted({self.rows // 50, self.rows // 5, self.rows, *larger})
        self.catalogs = (1_000,) if options.quick else (1_000, 10_000)
        self.scaling, self.detail = {"workers": {}, "rows": {}}, {}
        self.server = Server(options.server, options.quick)
        self.falsework = Falsework(options.program, self.server, directory)
        program = None if options.no_pgroll else find_pgroll(options.out)
        self.pgroll = Pgroll(program, self.server, directory) if program else None

    def note_rows(self, rows, **speeds):
        self.scaling["rows"][str(rows)] = speeds


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, one round, no 20 M rows")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rate", type=int, default=200, help="client statements per second beside a run")
    parser.add_argument("--only", default=",".join(PARTS), help="some of: " + ",".join(PARTS))
    parser.add_argument("--no-pgroll", action="store_true")
    options = parser.parse_args()
    options.server = os.environ.get("FALSEWORK_BENCH_VERSION", "15")
    options.parts = options.only.split(",")
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


def measure_all(bench, parts, report):
    """Reports after each part, so that one that fails takes nothing from those before it."""
    figures, seconds, text = [], {}, ""
    for part in [name for name in PARTS if name in parts]:
        begun = time.monotonic()
        for each in PARTS[part](bench):
            figures.append(each)
            print(f"bench: {each['name']}: {each['value']:.3f}; {each['detail']}", file=sys.stderr, flush=True)
        seconds[part] = round(time.monotonic() - begun, 1)
        print(f"bench: {part} took {seconds[part]} s", file=sys.stderr, flush=True)
        text = report(figures, seconds)
    return text


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    options = parse_options()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fwbench-") as name:
        bench = Bench(options, pathlib.Path(name))

        def report(figures, seconds):
            result = {"rows": bench.rows, "rounds": bench.rounds, "server": options.server, "cores": os.cpu_count(),
                      "processor": processor(), "shared_buffers_mb": bench.server.buffers,
                      "pgroll": bench.pgroll is not None, "figures": figures, "scaling": bench.scaling,
                      "seconds": seconds, "detail": bench.detail}
            return write_report(result, options.out)

        try:
            print(measure_all(bench, options.parts, report), end="")
        finally:
            bench.server.close()
    print(f"\nwritten to {options.out}: bench.json, bench.md, bench.svg")


if __name__ == "__main__":
    main()
