"""What the clients' slow statements wait for, seen in pg_stat_activity every few milliseconds."""

import collections
import subprocess
import tempfile

SLOW_MS = 2
LOOK = f"""
SELECT coalesce(wait_event_type || ':' || wait_event, 'processor') FROM pg_stat_activity
WHERE application_name = 'pgbench' AND state = 'active' AND clock_timestamp() - query_start > interval '{SLOW_MS} ms'
\\watch 0.004
"""
FLUSHES = ("IO:WALSync", "IO:WALWrite", "LWLock:WALWrite", "IO:WALInitSync", "IO:WALInitWrite")


class SlowStatements:
    """Counts what is seen, while it is there."""

    def __init__(self, server):
        self.out = tempfile.TemporaryFile(mode="w+", encoding="utf-8")
        self.process = subprocess.Popen(["psql", "-XAtq", "-d", server.url("postgres", "postgres")],
                                        stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.DEVNULL, text=True)
        self.process.stdin.write(LOOK)
        self.process.stdin.close()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.out.seek(0)
        seen = collections.Counter(line for line in self.out.read().splitlines() if line)
        self.out.close()
        return seen


def flush_share(seen):
    return sum(seen[event] for event in FLUSHES) / max(1, sum(seen.values()))


def describe(seen):
    total = max(1, sum(seen.values()))
    return ", ".join(f"{event} {count / total:.0%}" for event, count in seen.most_common(4))
