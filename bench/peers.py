"""What the copy is measured against: one UPDATE statement, and pgroll."""

import json
import os
import shutil
import subprocess
import time

MODULE = "github.com/xataio/pgroll"
VERSION = "v0.16.2"


def find_pgroll(directory):
    """The pinned pgroll, built from its Go module in a module of its own; None where Go is not there or it fails."""
    if not shutil.which("go"):
        return None
    kept = directory / f"pgroll-{VERSION}"
    if kept.exists():
        return kept
    build = directory / "pgroll-build"
    build.mkdir(parents=True, exist_ok=True)
    (build / "go.mod").write_text(f"module pgroll_build\n\ngo 1.24\n\nrequire {MODULE} {VERSION}\n", encoding="ascii")
    print(f"bench: building pgroll {VERSION}", flush=True)
    done = subprocess.run(["go", "build", "-o", str(kept), MODULE], cwd=build, capture_output=True, text=True,
                          env=dict(os.environ, GOFLAGS="-mod=mod"), check=False)
    if done.returncode != 0:
        print(f"bench: pgroll does not build, and is left out: {done.stderr.strip()[-300:]}", flush=True)
        return None
    return kept


class Pgroll:
    SCHEMA = "public_01_change"  # where it offers the new shape

    def __init__(self, program, server, directory):
        self.program, self.server, self.directory = program, server, directory

    def call(self, *arguments):
        subprocess.run([self.program, "--postgres-url", self.server.uri(), *map(str, arguments)], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)

    def start(self):
        """Changes the type of orders.v up to the end of its copy; returns the seconds of the start."""
        migration = self.directory / "01_change.json"
        migration.write_text(json.dumps({"operations": [{"alter_column": {
            "table": "orders", "column": "v", "type": "bigint", "up": "v", "down": "v"}}]}), encoding="utf-8")
        self.call("init")
        self.call("baseline", "00_before", self.directory / "baseline", "--yes")
        begun = time.monotonic()
        self.call("start", migration)
        seconds = time.monotonic() - begun
        # It ends with 0 in some cases in which it has done nothing.
        if self.server.number("SELECT count(*) FROM orders WHERE _pgroll_new_v IS DISTINCT FROM v") > 0:
            raise SystemExit("bench: pgroll has not copied every row")
        return seconds


def update_all(server):
    """Fills a new column with one statement; returns its seconds."""
    server.sql("ALTER TABLE orders ADD COLUMN n bigint", user="owner")
    begun = time.monotonic()
    server.sql("UPDATE orders SET n = v", user="owner")
    return time.monotonic() - begun
