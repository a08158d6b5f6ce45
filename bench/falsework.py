"""Falsework, driven through its command line as anybody would."""

import json
import os
import shutil
import subprocess

# The change of most figures: no index and no constraint hangs on the column, so that the copy alone is compared.
CHANGE = "ALTER TABLE orders ALTER COLUMN v TYPE bigint;\n"
STEP = "orders.v/backfill/copy"


class Falsework:
    def __init__(self, program, server, directory):
        self.program, self.server, self.directory = program, server, directory
        self.where = ["-d", server.url(), "--state", "state/state.db"]

    def call(self, *arguments, hooks=None, accept=(0,)):
        environment = dict(os.environ, **(hooks or {}))
        done = subprocess.run([self.program, *arguments], cwd=self.directory, env=environment, capture_output=True,
                              text=True, check=False)
        if done.returncode not in accept:
            raise SystemExit(f"bench: falsework {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def stop_at(self, point):
        """The environment in which the engine stops, or dies, at a point of its own; see base/failpoint.h."""
        return {"FALSEWORK_TEST_HOOKS": "1", "FALSEWORK_FAIL": point}

    def plan(self, change=CHANGE):
        shutil.rmtree(self.directory / "state", ignore_errors=True)
        (self.directory / "state").mkdir(mode=0o700)
        (self.directory / "change.sql").write_text(change, encoding="utf-8")
        self.call("plan", "change.sql", "-d", self.server.url(), "-o", "plan.json")

    def apply(self, change=CHANGE, **options):
        self.plan(change)
        self.call("apply", "plan.json", "--yes", *self.where, **options)

    def begin(self, change=CHANGE):
        """Plans, and runs up to the moment before the first batch."""
        self.apply(change, accept=(143,), hooks=self.stop_at("backfill.cursor=term"))

    def advance(self, *arguments, **options):
        self.call("advance", *arguments, "--yes", *self.where, **options)

    def unthrottled(self, workers):
        self.call("throttle", "--workers", str(workers), "--wal-rate", "0", *self.where)

    def copy(self, workers):
        """Copies without a limit; returns the seconds that the step took."""
        self.unthrottled(workers)
        self.advance("--step", STEP)
        events = json.loads(self.call("history", "--json", "--state", "state/state.db"))["events"]
        done = [e for e in events if e["event"] == "step_done" and e["step"] == STEP]
        return done[-1]["duration_ms"] / 1000.0
