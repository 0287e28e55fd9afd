"""A client whose command takes long is told that it is still being worked on (RFC 9585)."""

import asyncio

import pytest

from mailquay_imap.finder import Finder


@pytest.fixture
def slow_search(monkeypatch):
    """Lets searches go on."""
    let_go = asyncio.Event()
    find = Finder.find

    async def wait(self, key):
        await let_go.wait()
        return await find(self, key)

    monkeypatch.setattr(Finder, "find", wait)
    return let_go


async def test_progress_is_told_until_the_command_ends(start_imap, slow_search):
    async with start_imap(progress_seconds=0.05) as imap:
        client = await imap.sign_in(b"SELECT INBOX")
        client.send(b"A001 SEARCH ALL\r\n")
        for _ in range(3):
            assert await client.line() == b'* OK [INPROGRESS ("A001" NIL NIL)] Still at it\r\n'
        slow_search.set()
        while (line := await client.line()).startswith(b"* OK [INPROGRESS"):
            pass
        assert line == b"* SEARCH\r\n"
        assert await client.line() == b"A001 OK SEARCH completed\r\n"


async def test_it_is_told_of_a_command_that_fails(start_imap, slow_search):
    async with start_imap(progress_seconds=0.05) as imap:
        client = await imap.sign_in(b"ENABLE UIDONLY", b"SELECT INBOX")
        client.send(b"A002 UID SEARCH 99\r\n")
        assert (await client.line()).startswith(b'* OK [INPROGRESS ("A002" NIL NIL)]')
        slow_search.set()
        while (line := await client.line()).startswith(b"* OK [INPROGRESS"):
            pass
        assert line == b"A002 BAD [UIDREQUIRED] the search names message numbers\r\n"
        assert (await client.say(b"NOOP"))[0] == b"t OK NOOP completed\r\n"


async def test_a_client_that_idles_is_told_nothing(start_imap):
    async with start_imap(progress_seconds=0.01) as imap:
        client = await imap.sign_in(b"SELECT INBOX")
        other = await imap.sign_in()
        client.send(b"a IDLE\r\n")
        assert await client.line() == b"+ idling\r\n"
        for _ in range(20):
            await other.say(b"NOOP")
        client.send(b"DONE\r\n")
        assert await client.line() == b"a OK IDLE terminated\r\n"
