"""What the dual-write trigger costs whoever writes, beside pgroll's."""

import statistics

from measure import figure, reported

# Every update is HOT and there is no index, so that the statement itself is cheap and what a trigger adds stands out.
NARROW = """
CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, a int, d timestamptz NOT NULL, name varchar(40) NOT NULL,
  v int NOT NULL, unrelated int NOT NULL DEFAULT 0, filler text NOT NULL)
  WITH (fillfactor = 40, autovacuum_enabled = off);
INSERT INTO orders SELECT g, hashint8(g) & 2147483647, now(), md5(g::text), g % 1000, 0, repeat('x', 40)
  FROM generate_series(1, {rows}) AS g;
"""
UPDATE = "UPDATE orders SET v = v + 1"
INSERT = ("INSERT INTO orders (id, a, d, name, v, unrelated, filler) SELECT g, 1, now(), 'name', 1, 0, 'filler' "
          "FROM generate_series(1000000001, {last}) AS g")
RUN = "-- falsework: name=bench switch=r2 contract=r3\nALTER TABLE orders ALTER COLUMN v TYPE bigint;\n"
TIMES = 3


class Statements:
    """Microseconds per row of the two statements."""

    def __init__(self, server, rows):
        self.server, self.rows = server, rows

    def of(self, before=""):
        times = {"UPDATE": [], "INSERT": []}
        insert = INSERT.format(last=1_000_000_000 + self.rows)
        for _ in range(TIMES):
            for name, statement in (("UPDATE", UPDATE), ("INSERT", insert)):
                times[name].append(self.server.milliseconds(statement, before) * 1000 / self.rows)
                # The next one finds the same table: no row too many, no dead version.
                self.server.sql("DELETE FROM public.orders WHERE id > 1000000000")
                self.server.sql("VACUUM public.orders")
                self.server.sql("CHECKPOINT")
        return {name: statistics.median(taken) for name, taken in times.items()}


def ours(bench, statements):
    plain = statements.of()
    bench.falsework.apply(RUN)
    old = statements.of()
    bench.falsework.advance("--release", "r2")
    return plain, old, statements.of()


def theirs(bench, statements):
    plain = statements.of()
    bench.pgroll.start()
    old = statements.of()
    return plain, old, statements.of(f"SET search_path = {bench.pgroll.SCHEMA};")


# What any dual write in PL/pgSQL needs: a column more, a call of a function where the pair has changed, one assignment.
LEAST = """
ALTER TABLE orders ADD COLUMN w bigint;
CREATE FUNCTION only_assign() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := NEW.v; RETURN NEW; END';
CREATE TRIGGER on_insert BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION only_assign();
CREATE TRIGGER on_update BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.v <> OLD.v) EXECUTE FUNCTION only_assign();
"""


def least(bench, statements):
    plain = statements.of()
    bench.server.sql(LEAST, user="owner")
    old = statements.of()
    return plain, old, old


def added_by(tool, bench, rows):
    bench.server.fresh(f"narrow_{rows}", NARROW.format(rows=rows))
    plain, old, new = tool(bench, Statements(bench.server, rows))
    return {(shape, name): times[name] - plain[name] for shape, times in (("old", old), ("new", new)) for name in plain}


def added_figures(bench):
    rows = min(bench.rows, 500_000)
    tools = (ours, least, theirs) if bench.pgroll else (ours, least)
    added = {tool: [] for tool in tools}
    for _ in range(bench.rounds):
        for tool in tools:
            added[tool].append(added_by(tool, bench, rows))
    for case in added[ours][0]:
        shape, name = case
        mine = statistics.median(each[case] for each in added[ours])
        if bench.pgroll:
            other = statistics.median(each[case] for each in added[theirs])
            yield figure(f"trigger: cost added to {name} of the {shape} shape, against pgroll's", mine / other, 0.25,
                         False, f"{mine:.2f} against {other:.2f} µs per row", f"trigger_{shape}_{name.lower()}")
        else:
            yield reported(f"trigger: µs added to a row of {name}, {shape} shape", mine, "pgroll is not there",
                           f"trigger_{shape}_{name.lower()}")
    for name in ("UPDATE", "INSERT"):
        mine, bound = (statistics.median(each["old", name] for each in added[tool]) for tool in (ours, least))
        yield reported(f"trigger: cost added to {name} against a trigger whose body only assigns", mine / bound,
                       f"{mine:.2f} against {bound:.2f} µs per row", f"trigger_bound_{name.lower()}")


def unrelated_figures(bench):
    """What the trigger costs an update that does not touch the pair, once the rows are copied."""
    server, rows = bench.server, min(bench.rows, 1_000_000)
    server.fresh_orders(rows)
    bench.falsework.apply(RUN)
    server.sql("VACUUM (FULL, FREEZE, ANALYZE) orders")  # the same file for both
    server.keep("copied")
    drop = server.sql("SELECT string_agg(format('DROP TRIGGER %I ON orders', tgname), '; ') FROM pg_trigger "
                      "WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal")
    plain, watched = [], []
    for _ in range(1 if bench.quick else max(bench.rounds, 5)):
        for times, prepare in ((plain, drop), (watched, "SELECT 1")):
            server.fresh("copied")
            server.sql(prepare)
            times.append(server.milliseconds("UPDATE orders SET unrelated = unrelated + 1") * 1000 / rows)
    server.drop("copied")
    beside, without = statistics.median(watched), statistics.median(plain)
    yield figure("update of an unrelated column, with the trigger against without", beside / without, 1.03, False,
                 f"{beside:.2f} against {without:.2f} µs per row", "unrelated")
