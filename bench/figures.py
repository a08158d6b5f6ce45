"""The figures of bench/run.sh. Each is a ratio of alternating runs on the same server and the same rows."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from report import write_report
from server import Server

STEP = "orders.v/backfill/copy"
CHANGE = "ALTER TABLE orders ALTER COLUMN v TYPE bigint;\n"


class Falsework:
    def __init__(self, program, server, directory):
        self.program, self.server, self.directory = program, server, directory

    def call(self, *arguments, hooks=None, accept=(0,)):
        environment = dict(os.environ, **(hooks or {}))
        done = subprocess.run([self.program, *arguments], cwd=self.directory, env=environment, capture_output=True,
                              text=True, check=False)
        if done.returncode not in accept:
            raise SystemExit(f"bench: falsework {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def begin(self, change=CHANGE):
        """Plans, and runs up to the moment before the first batch."""
        shutil.rmtree(self.directory / "state", ignore_errors=True)
        (self.directory / "state").mkdir(mode=0o700)
        (self.directory / "change.sql").write_text(change, encoding="utf-8")
        self.where = ["-d", self.server.url("bench"), "--state", "state/state.db"]
        self.call("plan", "change.sql", "-d", self.server.url("bench"), "-o", "plan.json")
        self.call("apply", "plan.json", "--yes", *self.where, accept=(143,),
                  hooks={"FALSEWORK_TEST_HOOKS": "1", "FALSEWORK_FAIL": "backfill.cursor=term"})

    def copy(self, workers):
        """Copies without a limit; returns the seconds that the step took."""
        self.call("throttle", "--workers", str(workers), "--wal-rate", "0", *self.where)
        self.call("advance", "--step", STEP, "--yes", *self.where)
        events = json.loads(self.call("history", "--json", "--state", "state/state.db"))["events"]
        done = [e for e in events if e["event"] == "step_done" and e["step"] == STEP]
        return done[-1]["duration_ms"] / 1000.0


def sizes(server):
    return (server.number("SELECT pg_relation_size('orders')"), server.number("SELECT pg_indexes_size('orders')"))


def hot_share(server):
    time.sleep(1.5)  # sessions tell their counts when they end, or once a second
    return server.number("SELECT n_tup_hot_upd::float8 / nullif(n_tup_upd, 0) FROM pg_stat_user_tables "
                         "WHERE relname = 'orders'")


def measured(server, rows, work):
    """Seconds, WAL and growth of one way to fill a column."""
    heap, indexes = sizes(server)
    begun = server.sql("SELECT pg_current_wal_insert_lsn()")
    seconds = work()
    wal = server.number(f"SELECT pg_current_wal_insert_lsn() - '{begun}'::pg_lsn")
    heap_after, indexes_after = sizes(server)
    return {"rows_per_s": rows / seconds, "wal_per_row": wal / rows, "heap": heap_after / heap,
            "indexes": indexes_after / indexes, "hot": hot_share(server)}


def by_copy(falsework, rows, workers):
    server = falsework.server
    server.fresh_table(rows)
    falsework.begin()
    return measured(server, rows, lambda: falsework.copy(workers))


def by_update(server, rows):
    server.fresh_table(rows)
    server.sql("ALTER TABLE orders ADD COLUMN n bigint", user="owner")

    def update():
        begun = time.monotonic()
        server.sql("UPDATE orders SET n = v", user="owner")
        return time.monotonic() - begun

    return measured(server, rows, update)


def find_pgroll(directory):
    """pgroll from its Go module, or None where Go is not there or the build fails."""
    if shutil.which("pgroll"):
        return shutil.which("pgroll")
    if not shutil.which("go"):
        return None
    environment = dict(os.environ, GOBIN=str(directory))
    done = subprocess.run(["go", "install", "github.com/xataio/pgroll@latest"], env=environment, capture_output=True,
                          check=False)
    return str(directory / "pgroll") if done.returncode == 0 else None


def by_pgroll(program, server, rows, directory):
    server.fresh_table(rows)
    migration = directory / "01_change.json"
    migration.write_text(json.dumps({"operations": [{"alter_column": {
        "table": "orders", "column": "v", "type": "bigint", "up": "v", "down": "v"}}]}), encoding="utf-8")
    url = f"postgres://postgres@/bench?host={server.dir}&port={server.url('x').split('port=')[1].split()[0]}" \
          "&sslmode=disable"
    subprocess.run([program, "--postgres-url", url, "init"], check=True, capture_output=True)

    def start():
        begun = time.monotonic()
        subprocess.run([program, "--postgres-url", url, "start", str(migration)], check=True, capture_output=True)
        return time.monotonic() - begun

    return measured(server, rows, start)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def figure(name, value, goal, least, detail):
    met = value is not None and (value >= goal if least else value <= goal)
    return {"name": name, "value": value, "goal": goal, "at_least": least, "met": met, "detail": detail}


def copy_figures(falsework, rows, rounds, pgroll):
    copies, updates, pgrolls = [], [], []
    for _ in range(rounds):  # alternating, so that what else the machine does meets all of them
        updates.append(by_update(falsework.server, rows))
        copies.append(by_copy(falsework, rows, 2))
        if pgroll:
            pgrolls.append(by_pgroll(pgroll, falsework.server, rows, falsework.directory))
    speed, wal = median(copies, "rows_per_s"), median(copies, "wal_per_row")
    figures = [
        figure("rows/s, two workers, against one UPDATE", speed / median(updates, "rows_per_s"), 3.5, True,
               f"{speed:,.0f} against {median(updates, 'rows_per_s'):,.0f} rows/s"),
        figure("WAL per row against one UPDATE", wal / median(updates, "wal_per_row"), 0.60, False,
               f"{wal:.0f} against {median(updates, 'wal_per_row'):.0f} bytes"),
        figure("heap after the copy against before", median(copies, "heap"), 1.2, False,
               f"one UPDATE: {median(updates, 'heap'):.2f}"),
        figure("indexes after the copy against before", median(copies, "indexes"), 1.1, False,
               f"one UPDATE: {median(updates, 'indexes'):.2f}"),
        figure("share of HOT updates", median(copies, "hot"), 0.8, True, "no long snapshot"),
    ]
    if pgrolls:
        theirs = median(pgrolls, "rows_per_s")
        figures.insert(1, figure("rows/s, two workers, against pgroll", speed / theirs, 5, True,
                                 f"{speed:,.0f} against {theirs:,.0f} rows/s"))
    return figures


def snapshot_figures(falsework, rows):
    """The share of HOT updates beside four clients that hold a snapshot for 50 ms each."""
    server = falsework.server
    server.fresh_table(rows)
    falsework.begin()
    script = falsework.directory / "snapshot.sql"
    script.write_text("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1 FROM orders LIMIT 1;\n\\sleep 50 ms\nCOMMIT;\n",
                      encoding="ascii")
    clients = subprocess.Popen(["pgbench", "-n", "-c", "4", "-T", "3600", "-f", str(script),
                                server.url("bench")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        falsework.copy(2)
        share = hot_share(server)
    finally:
        clients.terminate()
        clients.wait()
    return [figure("share of HOT updates beside 50 ms snapshots", share, 0.75, True, "four clients")]


def trigger_figures(falsework, rows, rounds):
    """What the dual-write trigger costs an update that does not touch the pair."""
    server = falsework.server
    update = "UPDATE orders SET unrelated = unrelated + 1"
    plain, watched = [], []
    for _ in range(rounds):
        for times, prepare in ((plain, lambda: None), (watched, falsework.begin)):
            server.fresh_table(rows)
            prepare()
            begun = time.monotonic()
            server.sql(update, user="owner")
            times.append(time.monotonic() - begun)
    ratio = statistics.median(watched) / statistics.median(plain)
    return [figure("update of an unrelated column, with the trigger against without", ratio, 1.03, False,
                   f"{statistics.median(watched):.2f} s against {statistics.median(plain):.2f} s")]


def scaling_figures(falsework, rows):
    scaling = {"workers": {}, "rows": {}}
    for workers in (1, 2, 4):
        scaling["workers"][workers] = by_copy(falsework, rows, workers)["rows_per_s"]
    for size in sorted({rows // 50, rows // 5, rows}):
        scaling["rows"][size] = by_copy(falsework, size, 2)["rows_per_s"]
    return scaling


def resume_figures(falsework, rows):
    """From kill -9 in the middle of the copy to the first batch of the next engine."""
    server = falsework.server
    server.fresh_table(rows)
    falsework.begin()
    falsework.call("advance", "--step", STEP, "--yes", *falsework.where, accept=(-9,),
                   hooks={"FALSEWORK_TEST_HOOKS": "1", "FALSEWORK_FAIL": "batch.committed@50=kill"})
    begun = time.monotonic()
    falsework.call("advance", "--step", STEP, "--yes", *falsework.where, accept=(143,),
                   hooks={"FALSEWORK_TEST_HOOKS": "1", "FALSEWORK_FAIL": "batch.committed@1=term"})
    return [figure("seconds from kill -9 to the end of the first new batch, and a clean stop",
                   time.monotonic() - begun, 10, False, "the process included")]


def planning_figures(falsework, tables):
    server = falsework.server
    server.fresh_table(1000)
    for first in range(0, tables, 500):  # as many locks as a transaction has room for
        server.sql("DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE format('CREATE TABLE t%%s (id bigint PRIMARY KEY, "
                   "a int NOT NULL, b text, c timestamptz DEFAULT now())', i); EXECUTE format('CREATE INDEX ON t%%s "
                   "(a)', i); END LOOP; END $$" % (first, min(first + 500, tables) - 1), user="owner")
    (falsework.directory / "change.sql").write_text(CHANGE, encoding="utf-8")
    ours, theirs = [], []
    for _ in range(3):
        begun = time.monotonic()
        falsework.call("plan", "change.sql", "-d", server.url("bench"), "-o", "plan.json")
        ours.append(time.monotonic() - begun)
        begun = time.monotonic()
        subprocess.run(["pg_dump", "--schema-only", "-d", server.url("bench")], check=True, stdout=subprocess.DEVNULL)
        theirs.append(time.monotonic() - begun)
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [figure(f"plan of one change among {tables:,} tables against pg_dump --schema-only", ratio, 0.5, False,
                   f"{statistics.median(ours):.2f} s against {statistics.median(theirs):.2f} s")]


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="copy,snapshots,trigger,resume,planning,scaling")
    options = parser.parse_args()
    rows = options.rows or (200_000 if options.quick else 5_000_000)
    rounds = options.rounds or (1 if options.quick else 3)
    wanted = options.only.split(",")
    version = os.environ.get("FALSEWORK_BENCH_VERSION", "15")
    result = {"rows": rows, "rounds": rounds, "server": version, "cores": os.cpu_count(), "figures": [], "scaling": {}}
    with tempfile.TemporaryDirectory(prefix="fwbench-") as name:
        directory = pathlib.Path(name)
        server = Server(version, "512MB" if options.quick else "2GB")
        try:
            falsework = Falsework(options.program, server, directory)
            if "copy" in wanted:
                result["figures"] += copy_figures(falsework, rows, rounds, find_pgroll(directory))
            if "snapshots" in wanted:
                result["figures"] += snapshot_figures(falsework, rows)
            if "trigger" in wanted:
                result["figures"] += trigger_figures(falsework, rows, rounds)
            if "resume" in wanted:
                result["figures"] += resume_figures(falsework, rows)
            if "planning" in wanted:
                for tables in (1_000,) if options.quick else (1_000, 10_000):
                    result["figures"] += planning_figures(falsework, tables)
            if "scaling" in wanted:
                result["scaling"] = scaling_figures(falsework, rows)
        finally:
            server.close()
    write_report(result, options.out)


if __name__ == "__main__":
    main()
