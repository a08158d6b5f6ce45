"""What applications feel of a whole run: a mix of statements at a fixed rate, alone and beside the run."""

import contextlib
import signal
import statistics
import subprocess
import time

from measure import figure, percentile, reported
from waits import SLOW_MS, SlowStatements, describe, flush_share

LOCK_TIMEOUT_MS = 500  # the default of a step (docs/locks.md)
CHANGE = """-- falsework: name=mix switch=r2 contract=r3
ALTER TABLE orders ALTER COLUMN v TYPE bigint;
ALTER TABLE orders RENAME COLUMN unrelated TO units;
"""
# Weight, statement; {units} is the column's name in that release.
MIX = [
    (40, "SELECT id, name, v, {units} FROM orders WHERE id = :id"),
    (25, "UPDATE orders SET v = :value WHERE id = :id"),
    (15, "UPDATE orders SET {units} = :value WHERE id = :id"),
    (10, "UPDATE orders SET filler = 'changed' WHERE id = :id"),
    (5, "INSERT INTO orders (id, a, d, name, v, {units}, filler) VALUES (nextval('new_orders'), :value, now(), "
        "'inserted', :value, :value, 'new')"),
    (5, "DELETE FROM orders WHERE id = :id"),
]
CLIENTS = 4  # of each of the two applications


class Application:
    """Clients of one release, as one process of pgbench at a fixed rate."""

    def __init__(self, bench, name, column, rows):
        self.prefix = bench.directory / f"latency-{name}"
        scripts = []
        for number, (weight, statement) in enumerate(MIX):
            script = bench.directory / f"mix-{column}-{number}.sql"
            script.write_text(f"\\set id random(1, {rows})\n\\set value random(0, 999)\n"
                              f"{statement.format(units=column)};\n", encoding="ascii")
            scripts += ["-f", f"{script}@{weight}"]
        self.process = subprocess.Popen(
            ["pgbench", "-n", "-c", str(CLIENTS), "-R", str(bench.rate // 2), "-T", "3600", "-l", "--log-prefix",
             str(self.prefix), *scripts, bench.server.url()],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def stop(self):
        """Ends the clients; returns their transactions as (end, ms since it was due, ms of the statement)."""
        # What pgbench does when its time is over, and nothing else: it writes its log, and ends with 0.
        self.process.send_signal(signal.SIGALRM)
        _, errors = self.process.communicate()
        if self.process.returncode != 0:
            raise SystemExit(f"bench: a client's statement failed: {errors[-500:]}")
        taken = []
        for log in self.prefix.parent.glob(f"{self.prefix.name}.*"):
            for line in log.read_text(encoding="ascii").splitlines():
                _, _, latency, _, seconds, micros, lag = line.split()
                taken.append((int(seconds) + int(micros) / 1e6, int(latency) / 1e3, (int(latency) - int(lag)) / 1e3))
            log.unlink()
        return taken

    def kill(self):
        self.process.kill()
        self.process.communicate()


class Stages:
    """Who writes what, and since when."""

    def __init__(self, bench, rows):
        self.bench, self.rows = bench, rows
        self.taken, self.began, self.applications = [], [], {}

    def begin(self, stage, **columns):
        """From now on it is this stage; the applications that are named write this column."""
        for name, column in columns.items():
            if name in self.applications:
                self.taken += self.applications.pop(name).stop()
            self.applications[name] = Application(self.bench, name, column, self.rows)
        self.began.append((stage, time.time()))

    def end(self):
        for name in list(self.applications):
            self.taken += self.applications.pop(name).stop()
        self.began.append(("end", time.time()))
        latencies = sorted(latency for _, latency, _ in self.taken)
        return {"transactions": len(latencies), "p50": percentile(latencies, 0.5), "p99": percentile(latencies, 0.99),
                "longest": latencies[-1], "stall": max(statement for _, _, statement in self.taken),
                "stages": {stage: self._of(begun, ended) for (stage, begun), (_, ended)
                           in zip(self.began, self.began[1:], strict=False)}}

    def _of(self, begun, ended):
        latencies = sorted(latency for end, latency, _ in self.taken if begun <= end < ended) or [0.0]
        return {"seconds": ended - begun, "p99": percentile(latencies, 0.99), "longest": latencies[-1]}

    def kill(self):
        for application in self.applications.values():
            application.kill()


@contextlib.contextmanager
def mix(bench, rows):
    bench.server.fresh_orders(rows)
    bench.server.sql("CREATE SEQUENCE new_orders START 1000000000", user="owner")
    stages = Stages(bench, rows)
    try:
        stages.begin("warm-up", first="unrelated", second="unrelated")
        time.sleep(3)
        stages.taken.clear()
        yield stages
    finally:
        stages.kill()


def beside_a_run(bench, rows):
    falsework = bench.falsework
    with mix(bench, rows) as stages:
        stages.begin("apply")
        falsework.apply(CHANGE)
        stages.begin("both releases", second="units")
        time.sleep(5)
        stages.begin("switch")
        falsework.advance("--release", "r2")
        stages.begin("both releases, switched")
        time.sleep(5)
        stages.begin("the new release alone", first="units")
        stages.begin("contract")
        falsework.advance("--release", "r3", "--confirm", "mix")
        stages.begin("after")
        time.sleep(3)
        return stages.end()


def alone(bench, rows, seconds):
    with mix(bench, rows) as stages:
        stages.begin("alone")
        time.sleep(seconds)
        return stages.end()


def waits_beside_a_run(bench, rows):
    """A run of its own: whoever looks at the statements every few milliseconds slows them."""
    slow = SlowStatements(bench.server)
    beside_a_run(bench, rows)
    return slow.stop()


def client_figures(bench):
    rows = min(bench.rows, 2_000_000)
    runs, quiet = [], []
    for _ in range(bench.mix_rounds):
        runs.append(beside_a_run(bench, rows))
        # As long as the run was, for the longest of more statements is longer.
        quiet.append(alone(bench, rows, sum(stage["seconds"] for stage in runs[-1]["stages"].values())))
    bench.detail["clients"] = {"rate": bench.rate, "beside": runs, "alone": quiet}
    middle = {key: (statistics.median(run[key] for run in runs), statistics.median(run[key] for run in quiet))
              for key in ("p50", "p99", "longest", "stall")}
    for key, name, goal in (("p99", "p99", 1.2), ("longest", "longest latency", 2)):
        beside, without = middle[key]
        yield figure(f"{name} of clients during a whole run against alone", beside / without, goal, False,
                     f"{beside:.1f} against {without:.1f} ms, {bench.rate} statements/s", f"clients_{key}")
    longest = max(run["stall"] for run in runs)
    yield figure("longest stall of any client statement against lock_timeout", longest / LOCK_TIMEOUT_MS, 1.0, False,
                 f"{longest:.0f} of {LOCK_TIMEOUT_MS} ms, in {sum(run['transactions'] for run in runs):,} statements",
                 "clients_stall")
    waits = waits_beside_a_run(bench, rows)
    yield reported(f"share of looks at statements over {SLOW_MS} ms beside a run that wait for a flush of the WAL",
                   flush_share(waits), describe(waits), "clients_flush")
    yield reported("median latency of clients during a whole run against alone", middle["p50"][0] / middle["p50"][1],
                   f"{middle['p50'][0]:.1f} against {middle['p50'][1]:.1f} ms", "clients_p50")
