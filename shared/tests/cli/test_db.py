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
    assert before == {"current": None, "head": head_revision(), "is_current": False}
    told = mailquay("domain", "list", env=env, status=Exit.UNAVAILABLE)
    assert "mailquay db upgrade" in told.error

    done = mailquay("db", "upgrade", "--json", env=env).data
    assert (done["before"], done["current"]) == (None, head_revision())
    assert mailquay("db", "current", "--json", env=env).data["is_current"]
    assert "it was so before" in mailquay("db", "upgrade", env=env).output


@pytest.mark.parametrize(
    "command", [("db", "current"), ("db", "upgrade"), ("domain", "list"), ("blobs", "check")]
)
def test_database_that_does_not_answer_is_told_in_a_sentence(mailquay, env_of, command):
    env = env_of(f"postgresql://mailquay@127.0.0.1:{free_port()}/mailquay")
    told = mailquay(*command, env=env, status=Exit.UNAVAILABLE)
    assert told.error.startswith("mailquay: Postgres ")
    assert len(told.error.splitlines()) == 1
