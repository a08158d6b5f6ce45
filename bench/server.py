"""A throwaway server for the measurements. A table is loaded once, and copied as files for each measurement."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

PORT = 5988
# Recycled WAL and no checkpoint of its own accord: each measurement begins with one, and none falls into it. pg_dump
# locks every one of 10,000 tables.
SETTINGS = """
listen_addresses = ''
shared_buffers = '{buffers}MB'
min_wal_size = '{wal}GB'
max_wal_size = '{most}GB'
checkpoint_timeout = '1h'
max_connections = 60
max_locks_per_transaction = 512
"""

# About 140 bytes a row, a primary key and three indexes in random order, no fill factor.
ORDERS = """
CREATE TABLE kinds (id int PRIMARY KEY);
INSERT INTO kinds SELECT generate_series(0, 999);
CREATE TABLE orders (id bigint NOT NULL, a int, d timestamptz NOT NULL, name varchar(40) NOT NULL,
  v int NOT NULL, unrelated int NOT NULL DEFAULT 0, filler text NOT NULL);
INSERT INTO orders SELECT g, hashint8(g) & 2147483647,
  timestamptz '2020-01-01' + (hashint8(g * 7) & 16777215) * interval '1 second', md5(g::text), g % 1000, 0,
  repeat('x', 40) FROM generate_series(1, {rows}) AS g;
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX ON orders (a);
CREATE INDEX ON orders (d);
CREATE INDEX ON orders (name);
"""


def server_programs(version):
    """Where initdb, pg_ctl and postgres of this version are."""
    roots = [f"{os.environ.get('FALSEWORK_PG_ROOT', '/var/cache/falsework/postgres')}/{version}/bin",
             f"/usr/lib/postgresql/{version}/bin"]
    for path in roots:
        if pathlib.Path(path, "postgres").exists():
            return path
    raise SystemExit(f"bench: there is no PostgreSQL {version} in {' or '.join(roots)}: "
                     "run scripts/install.sh, or say where with FALSEWORK_PG_ROOT")


def memory_mb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


class Server:
    def __init__(self, version, small):
        self.version = int(version)
        self.bin = server_programs(version)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fwbench-"))
        self.templates = set()
        # The server refuses to run as root.
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.prefix:
            shutil.chown(self.dir, "postgres")
            self.dir.chmod(0o755)
        data = self.dir / "data"
        self.buffers = min(512 if small else 2048, memory_mb() // 4)
        self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale", "C")
        with open(data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(SETTINGS.format(buffers=self.buffers, wal=1 if small else 4, most=4 if small else 32))
            conf.write(f"unix_socket_directories = '{self.dir}'\nport = {PORT}\n")
        self._run("pg_ctl", "-D", data, "-l", self.dir / "log", "-w", "start")
        self.sql("CREATE ROLE owner LOGIN", database="postgres")

    def _run(self, program, *arguments):
        command = [*self.prefix, f"{self.bin}/{program}", *map(str, arguments)]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", self.dir / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database="bench", user="owner"):
        return f"host={self.dir} port={PORT} user={user} dbname={database}"

    def uri(self, database="bench", user="postgres"):
        return f"postgres://{user}@/{database}?host={self.dir}&port={PORT}&sslmode=disable"

    def sql(self, text, database="bench", user="postgres"):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database, user)],
                              input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: {text[:80]}: {done.stderr}")
        return done.stdout.strip()

    def number(self, text, database="bench"):
        return float(self.sql(text, database))

    def drop(self, database):
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", database="postgres")
        self.templates.discard(database)

    def _copy(self, template, name):
        # As files; from 15 on the default would write every page to the WAL.
        strategy = " STRATEGY file_copy" if self.version >= 15 else ""
        self.sql(f"CREATE DATABASE {name} OWNER owner TEMPLATE {template}{strategy}", database="postgres")

    def fresh(self, name, load=None):
        """Database `bench`: a copy of what `load` (SQL, run as the owner) makes, vacuumed, with nothing dirty."""
        self.drop("bench")
        if name not in self.templates:
            self.drop(name)
            self.sql(f"CREATE DATABASE {name} OWNER owner", database="postgres")
            self.sql("ALTER SCHEMA public OWNER TO owner", database=name)
            self.sql(load, database=name, user="owner")
            self.sql("VACUUM (FREEZE, ANALYZE)", database=name)
            self.templates.add(name)
        self._copy(name, "bench")
        self.sql("CHECKPOINT")

    def keep(self, name):
        """Makes of database `bench`, as it is, what `fresh(name)` copies from now on."""
        self.drop(name)
        self._copy("bench", name)
        self.templates.add(name)

    def fresh_orders(self, rows):
        self.fresh(f"orders_{rows}", ORDERS.format(rows=rows))

    def milliseconds(self, statement, before="", user="postgres"):
        """How long one statement takes, as the client sees it; `before` is run first, in the same session."""
        answer = self.sql(f"{before}\n\\timing on\n{statement};\n", user=user)
        return float(answer.split("Time: ")[1].split(" ms")[0])
