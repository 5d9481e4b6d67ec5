"""What a command imports before it does anything: a person at a shell waits for it."""

import subprocess
import sys
from typing import Final

PROGRAM: Final = """
import sys
sys.argv = ["satcom", *sys.argv[1:]]
from satcom.app.cli import main
try:
    main()
except SystemExit:
    print("imported:", *sys.modules)
"""
BEHIND_THE_API: Final = {"sqlalchemy", "sqlmodel", "psycopg", "alembic", "fastapi", "starlette", "networkx", "numpy"}


def imported_by(*words: str) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *words, "--help"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    return set(said.partition("imported:")[2].split())


def test_what_asks_the_api_starts_without_the_database() -> None:
    for words in ((), ("order",), ("spectrum",), ("link-budget",)):
        assert imported_by(*words) & BEHIND_THE_API == set(), words


def test_what_opens_the_database_knows_all_its_tables() -> None:
    assert "satcom.app.declarations" in imported_by("db")


def test_who_serves_nothing_builds_no_route() -> None:
    assert "satcom.app.http" not in imported_by("worker")
    built = (
        "from satcom.app.declarations import QUESTIONS, ROUTES\n"
        "every = [*(one.own for one in ROUTES), *QUESTIONS]\n"
        "print(len(every), sum('router' in vars(one) for one in every))"
    )
    said = subprocess.run([sys.executable, "-c", built], capture_output=True, text=True, timeout=300, check=True).stdout
    declared, routers = map(int, said.split())
    assert (declared > 50, routers) == (True, 0)
