"""How long a plan takes in a large catalog, and how much of the catalog it reads."""

import statistics
import subprocess
import time

from falsework import CHANGE
from measure import figure, reported

TABLE = ("CREATE TABLE t%s (id bigint PRIMARY KEY, a int NOT NULL, b text, c timestamptz DEFAULT now()); "
         "CREATE INDEX ON t%s (a)")


def rows_read(server):
    """Rows of the catalogs that were returned by scans of tables and indexes since the database was made."""
    time.sleep(1.5)
    return server.number("SELECT tup_returned FROM pg_stat_database WHERE datname = 'bench'", database="postgres")


def timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def catalog_of(bench, tables):
    server = bench.server
    server.fresh_orders(1000)
    for first in range(0, tables, 500):  # as many locks as a transaction has room for
        server.sql(f"DO $$ BEGIN FOR i IN {first}..{min(first + 500, tables) - 1} LOOP "
                   f"EXECUTE format('{TABLE}', i, i); END LOOP; END $$", user="owner")
    server.sql("VACUUM ANALYZE")


def planning_figures(bench):
    for tables in bench.catalogs:
        catalog_of(bench, tables)

        def plan():
            bench.falsework.plan(CHANGE)

        def dump():
            subprocess.run(["pg_dump", "--schema-only", "-d", bench.server.url()], check=True,
                           stdout=subprocess.DEVNULL)

        mine, theirs = [], []
        for _ in range(3):
            mine.append(timed(plan))
            theirs.append(timed(dump))
        read = []
        for work in (plan, dump):
            before = rows_read(bench.server)
            work()
            read.append(rows_read(bench.server) - before)
        ours, other = statistics.median(mine), statistics.median(theirs)
        yield figure(f"plan of one change among {tables:,} tables against pg_dump --schema-only", ours / other, 0.5,
                     False, f"{ours:.2f} against {other:.2f} s", f"planning_{tables}")
        yield reported(f"catalog rows that it reads among {tables:,} tables, against pg_dump", read[0] / read[1],
                       f"{read[0]:,.0f} against {read[1]:,.0f}", f"planning_read_{tables}")
