"""The database of an installation, by psql in the container of PostgreSQL: rows, and snapshots of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.docker import Compose, Failure

_ROWS = (
    "SELECT format('%s.%s', table_schema, table_name), (xpath('//n/text()', query_to_xml("
    "format('SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, true, '')))[1]"
    " FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
    " AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)


class Database:
    """psql and its companions in the container of PostgreSQL."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.name: str = compose.config["services"]["postgres"]["environment"]["POSTGRES_DB"]

    def words(self, program: str, *words: str, database: str | None = None) -> tuple[str, ...]:
        """A command in the container."""
        user = self.compose.config["services"]["postgres"]["environment"]["POSTGRES_USER"]
        return ("exec", "--no-TTY", "postgres", program, "-U", user, "-d", database or self.name, *words)

    def query(self, text: str, *, database: str | None = None) -> list[list[str]]:
        """The rows of a statement."""
        options = ("-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "|", "-c", text)
        done = self.compose.run(*self.words("psql", *options, database=database))
        return [line.split("|") for line in done.stdout.splitlines()]

    def rows(self) -> dict[str, int]:
        """The number of rows of each table."""
        return {name: int(count) for name, count in self.query(_ROWS)}

    @contextmanager
    def snapshot(self) -> Iterator[tuple[str, dict[str, int]]]:
        """A snapshot that stays for as long as the block lasts, and the rows that each table has in it."""
        words = self.words("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "|")
        session = self.compose.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert session.stdin is not None and session.stdout is not None
        script = (
            "SET idle_in_transaction_session_timeout = 0;\n"
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;\n"
            f"SELECT pg_export_snapshot();\n{_ROWS};\n\\echo end\n"
        )
        try:
            session.stdin.write(script.encode())
            session.stdin.flush()
            lines = []
            while (line := session.stdout.readline().decode().strip()) != "end":
                if not line:
                    raise Failure("PostgreSQL gave no snapshot.")
                lines.append(line)
            yield lines[0], {name: int(count) for name, count in (line.split("|") for line in lines[1:])}
        finally:
            session.stdin.close()
            session.wait(30)
