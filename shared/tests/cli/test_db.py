"""``mailquay db``, and what every command says of a database that it cannot use."""

import asyncpg
import pytest

from mailquay.cli.exits import Exit
from mailquay.store import head_revision
from mailquay.testing.ports import free_port


@pytest.fixture
def env_of(deployment):
    """The environment for another database than the deployment's."""

    def with_url(url: str) -> dict[str, str]:
        return {**deployment.settings(), "MAILQUAY_DATABASE__URL": url}

    return with_url


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()


async def test_empty_database_is_told_upgraded_and_then_current(mailquay, postgres_url, env_of):
    await _empty(postgres_url)
    env = env_of(postgres_url)
    before = mailquay("db", "current", "--json", env=env, status=Exit.CHECK_FAILED).data
    assert (before["current"], before["fits"]) == (None, False)
    assert head_revision() in before["pending"]
    told = mailquay("domain", "list", env=env, status=Exit.UNAVAILABLE)
    assert "mailquay db upgrade" in told.error

    done = mailquay("db", "upgrade", "--phase", "expand", "--json", env=env).data
    assert done == {"current": head_revision(), "head": head_revision(), "pending": []}
    assert mailquay("db", "current", "--json", env=env).data["fits"]
    assert mailquay("db", "upgrade", "--phase", "contract", "--wait", "5", env=env).output


async def _set_schema(url: str, revision: str, oldest: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.execute("UPDATE schema_compatibility SET oldest_release = $1", oldest)
    await connection.close()


async def test_newer_schema_that_serves_this_release_is_used_and_left_alone(
    mailquay, postgres_url, env_of
):
    env = env_of(postgres_url)
    await _set_schema(postgres_url, "209912310000", head_revision())
    assert "can run on it" in mailquay("db", "current", env=env).output
    for phase in ("expand", "contract", "all"):
        assert "newer release" in mailquay("db", "upgrade", "--phase", phase, env=env).output
    mailquay("domain", "list", env=env)


async def test_newer_schema_that_does_not_is_refused(mailquay, postgres_url, env_of):
    env = env_of(postgres_url)
    await _set_schema(postgres_url, "209912310000", "209912310000")
    told = mailquay("db", "current", env=env, status=Exit.CHECK_FAILED).output
    assert "serves releases from 209912310000 on" in told
    mailquay("db", "upgrade", "--phase", "expand", env=env, status=Exit.REFUSED)
    told = mailquay("domain", "list", env=env, status=Exit.UNAVAILABLE)
    assert "209912310000" in told.error
    assert "db upgrade" not in told.error


@pytest.mark.parametrize(
    "command", [("db", "current"), ("db", "upgrade"), ("domain", "list"), ("blobs", "check")]
)
def test_database_that_does_not_answer_is_told_in_a_sentence(mailquay, env_of, command):
    env = env_of(f"postgresql://mailquay@127.0.0.1:{free_port()}/mailquay")
    told = mailquay(*command, env=env, status=Exit.UNAVAILABLE)
    assert told.error.startswith("mailquay: Postgres ")
    assert len(told.error.splitlines()) == 1
