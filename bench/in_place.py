"""Changes that need no copy: no row is rewritten."""

import time

from measure import figure, update_counts

CHANGES = {
    "set_not_null": "ALTER TABLE orders ALTER COLUMN a SET NOT NULL;\n",
    "add_foreign_key": "ALTER TABLE orders ADD FOREIGN KEY (v) REFERENCES kinds (id);\n",
    "widening type change": "ALTER TABLE orders ALTER COLUMN name TYPE text;\n",
}
# What the catalog says of each once it is done.
DONE = {
    "set_not_null": "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'a'",
    "add_foreign_key": "SELECT convalidated FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'f'",
    "widening type change": "SELECT atttypid = 'text'::regtype FROM pg_attribute "
                            "WHERE attrelid = 'orders'::regclass AND attname = 'name'",
}


def in_place_figures(bench):
    server = bench.server
    server.fresh_orders(bench.rows)
    for name, change in CHANGES.items():
        files = server.sql("SELECT pg_relation_filenode('orders'), pg_relation_size('orders')")
        before, _ = update_counts(server)
        begun = time.monotonic()
        bench.falsework.apply(f"-- falsework: name=bench\n{change}")
        if name == "set_not_null":  # its constraint waits for somebody to say that nobody writes NULL any more
            bench.falsework.advance("--to-end")
        seconds = time.monotonic() - begun
        after, _ = update_counts(server)
        if server.sql(DONE[name]) != "t":
            raise SystemExit(f"bench: {name} has not been done")
        kept = files == server.sql("SELECT pg_relation_filenode('orders'), pg_relation_size('orders')")
        # A table in a new file has had all its rows written, whatever the counter says.
        rewritten = after - before if kept else bench.rows
        yield figure(f"rows rewritten by {name}", rewritten, 0, False,
                     f"{bench.rows:,} rows in {seconds:.1f} s; {'the same file' if kept else 'another file'}",
                     f"rewritten_{name.replace(' ', '_')}")
