"""How fast rows are copied, what that writes, and what it leaves behind."""

import subprocess
import time

from falsework import STEP
from measure import figure, measured, median, reported, update_counts
from peers import update_all


def by_copy(bench, rows, workers=2):
    bench.server.fresh_orders(rows)
    bench.falsework.begin()
    return measured(bench.server, rows, lambda: bench.falsework.copy(workers))


def by_update(bench, rows):
    bench.server.fresh_orders(rows)
    return measured(bench.server, rows, lambda: update_all(bench.server))


def by_pgroll(bench, rows):
    bench.server.fresh_orders(rows)
    return measured(bench.server, rows, bench.pgroll.start)


def copy_figures(bench):
    copies, updates, pgrolls = [], [], []
    for number in range(bench.rounds):  # alternating, so that what else the machine does meets all of them
        updates.append(by_update(bench, bench.rows))
        copies.append(by_copy(bench, bench.rows))
        if bench.pgroll and number < bench.pgroll_rounds:
            pgrolls.append(by_pgroll(bench, bench.rows))
    speed, wal = median(copies, "rows_per_s"), median(copies, "wal_per_row")
    bench.scaling["workers"][2] = speed
    bench.note_rows(bench.rows, falsework=speed, update=median(updates, "rows_per_s"),
                    pgroll=median(pgrolls, "rows_per_s") if pgrolls else None)
    plain = median(updates, "rows_per_s")
    yield figure("rows/s of the copy, two workers, against one UPDATE", speed / plain, 3.5, True,
                 f"{speed:,.0f} against {plain:,.0f} rows/s", "copy_update")
    if pgrolls:
        theirs = median(pgrolls, "rows_per_s")
        yield figure("rows/s of the copy, two workers, against pgroll", speed / theirs, 5, True,
                     f"{speed:,.0f} against {theirs:,.0f} rows/s", "copy_pgroll")
    beside = f", pgroll {median(pgrolls, 'wal_per_row'):.0f}" if pgrolls else ""
    yield figure("WAL per copied row against one UPDATE", wal / median(updates, "wal_per_row"), 0.60, False,
                 f"{wal:.0f} against {median(updates, 'wal_per_row'):.0f} bytes{beside}", "wal")
    for name, key, goal in (("heap", "heap", 1.2), ("indexes", "indexes", 1.1)):
        beside = f", pgroll: {median(pgrolls, key):.2f}" if pgrolls else ""
        yield figure(f"{name} after the copy against before", median(copies, key), goal, False,
                     f"one UPDATE: {median(updates, key):.2f}{beside}", key)
    yield figure("share of HOT updates", median(copies, "hot"), 0.8, True,
                 f"no long snapshot; one UPDATE: {median(updates, 'hot'):.2f}", "hot")


def snapshot_figures(bench):
    """The share of HOT updates beside four clients that hold a snapshot for 50 ms each."""
    bench.server.fresh_orders(bench.rows)
    bench.falsework.begin()
    script = bench.directory / "snapshot.sql"
    script.write_text("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1 FROM orders LIMIT 1;\n\\sleep 50 ms\nCOMMIT;\n",
                      encoding="ascii")
    clients = subprocess.Popen(["pgbench", "-n", "-c", "4", "-T", "3600", "-f", str(script), bench.server.url()],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seconds = bench.falsework.copy(2)
        updates, hot = update_counts(bench.server)
        if clients.poll() is not None:
            raise SystemExit("bench: the clients that hold snapshots have ended too early")
    finally:
        clients.terminate()
        clients.wait()
    yield figure("share of HOT updates beside 50 ms snapshots", hot / updates, 0.75, True,
                 f"four clients; {bench.rows / seconds:,.0f} rows/s", "hot_snapshots")


def resume_figures(bench):
    """From kill -9 in the middle of the copy to the first batch of the next engine."""
    falsework = bench.falsework
    bench.server.fresh_orders(bench.rows)
    falsework.begin()
    falsework.advance("--step", STEP, accept=(-9,), hooks=falsework.stop_at("batch.committed@10=kill"))
    begun = time.monotonic()
    falsework.advance("--step", STEP, accept=(143,), hooks=falsework.stop_at("batch.committed@1=term"))
    yield reported("seconds from kill -9 to the end of the first new batch, and a clean stop",
                   time.monotonic() - begun, "the start of the process included", "resume")


def scaling_figures(bench):
    """Rows/s by the number of workers, and by the number of rows beside the peers."""
    for workers in (1, 2, 4):
        if workers not in bench.scaling["workers"]:
            bench.scaling["workers"][workers] = by_copy(bench, bench.rows, workers)["rows_per_s"]
    for rows in bench.sizes:
        if str(rows) in bench.scaling["rows"]:
            continue
        update = by_update(bench, rows)["rows_per_s"]
        copy = by_copy(bench, rows)["rows_per_s"]
        pgroll = None
        if bench.pgroll and rows <= bench.rows:
            pgroll = by_pgroll(bench, rows)["rows_per_s"]
        bench.note_rows(rows, falsework=copy, update=update, pgroll=pgroll)
        if rows > bench.rows:
            bench.server.drop(f"orders_{rows}")
    return ()
