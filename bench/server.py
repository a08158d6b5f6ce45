"""A throwaway server for the measurements, and the table that they copy."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

PORT = 5988
SETTINGS = """
listen_addresses = ''
shared_buffers = '%s'
max_wal_size = '32GB'
checkpoint_timeout = '1h'
max_connections = 60
"""

TABLE = """
CREATE TABLE orders (id bigint PRIMARY KEY, a int NOT NULL, d timestamptz NOT NULL, name text NOT NULL,
  v int NOT NULL, unrelated int NOT NULL DEFAULT 0, filler text NOT NULL);
INSERT INTO orders SELECT g, hashint8(g) & 2147483647,
  timestamptz '2020-01-01' + (hashint8(g * 7) & 16777215) * interval '1 second', md5(g::text), g % 1000, 0,
  repeat('x', 40) FROM generate_series(1, {rows}) AS g;
CREATE INDEX ON orders (a);
CREATE INDEX ON orders (d);
CREATE INDEX ON orders (name);
"""


def programs(version):
    root = os.environ.get("FALSEWORK_PG_ROOT", "")
    for path in (f"{root}/{version}/bin", f"/usr/lib/postgresql/{version}/bin", f"/usr/local/pgsql-{version}/bin"):
        if root != "" or not path.startswith("/" + str(version)):
            if pathlib.Path(path, "postgres").exists():
                return path
    raise SystemExit(f"bench: there is no PostgreSQL {version}: say where with FALSEWORK_PG_ROOT")


class Server:
    def __init__(self, version, shared_buffers):
        self.bin = programs(version)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fwbench-"))
        # The server refuses to run as root.
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.prefix:
            shutil.chown(self.dir, "postgres")
            self.dir.chmod(0o755)
        data = self.dir / "data"
        self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
        with open(data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(SETTINGS % shared_buffers)
            conf.write(f"unix_socket_directories = '{self.dir}'\nport = {PORT}\n")
        self._run("pg_ctl", "-D", data, "-l", self.dir / "log", "-w", "start")
        self.sql("CREATE ROLE owner LOGIN", database="postgres")

    def _run(self, program, *arguments):
        command = [*self.prefix, f"{self.bin}/{program}", *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", self.dir / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.dir)

    def url(self, database, user="owner"):
        return f"host={self.dir} port={PORT} user={user} dbname={database}"

    def psql(self):
        found = pathlib.Path(self.bin, "psql")
        return str(found) if found.exists() else "psql"

    def sql(self, text, database="bench", user="postgres"):
        done = subprocess.run([self.psql(), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database, user)],
                              input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: {text[:80]}: {done.stderr}")
        return done.stdout.strip()

    def number(self, text):
        return float(self.sql(text))

    def fresh_table(self, rows):
        """A new database with one table, vacuumed, nothing dirty."""
        self.sql("DROP DATABASE IF EXISTS bench WITH (FORCE)", database="postgres")
        self.sql("CREATE DATABASE bench OWNER owner", database="postgres")
        self.sql("ALTER SCHEMA public OWNER TO owner")
        self.sql(TABLE.format(rows=rows), user="owner")
        self.sql("VACUUM (FREEZE, ANALYZE) orders")
        self.sql("CHECKPOINT")
