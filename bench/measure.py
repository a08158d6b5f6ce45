"""What every figure is made of: a name, a value, a goal; medians; the growth and the WAL of a piece of work."""

import statistics
import time


def figure(name, value, goal, least, detail, key):
    """One line of the report. `least`: the value must reach the goal; else it must not exceed it."""
    met = value >= goal if least else value <= goal
    return {"key": key, "name": name, "value": value, "goal": goal, "at_least": least, "met": met, "detail": detail}


def reported(name, value, detail, key):
    """A line without a goal."""
    return {"key": key, "name": name, "value": value, "goal": None, "at_least": False, "met": None, "detail": detail}


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def update_counts(server):
    """Updates and HOT updates of orders since the database was made."""
    time.sleep(1.5)  # sessions tell their counts when they end, or once a second
    counts = server.sql("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'orders'")
    return tuple(int(count) for count in counts.split("|"))


def sizes(server):
    return (server.number("SELECT pg_relation_size('orders')"), server.number("SELECT pg_indexes_size('orders')"))


def measured(server, rows, work):
    """Speed, WAL and growth of one way to fill a column; `work` returns the seconds that count."""
    heap, indexes = sizes(server)
    begun = server.sql("SELECT pg_current_wal_insert_lsn()")
    seconds = work()
    wal = server.number(f"SELECT pg_current_wal_insert_lsn() - '{begun}'::pg_lsn")
    heap_after, indexes_after = sizes(server)
    updates, hot = update_counts(server)
    return {"seconds": seconds, "rows_per_s": rows / seconds, "wal_per_row": wal / rows, "heap": heap_after / heap,
            "indexes": indexes_after / indexes, "hot": hot / max(updates, 1)}
