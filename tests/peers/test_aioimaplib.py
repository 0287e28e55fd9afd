"""aioimaplib: download, change, move and IDLE on asyncio."""

import asyncio
import re
import ssl

import aioimaplib
import pytest

from mailquay.testing.deployment import PASSWORD

pytestmark = pytest.mark.peers


async def sign_in(deployment, account) -> aioimaplib.IMAP4_SSL:
    trusted = ssl.create_default_context(cafile=str(deployment.ca_file))
    client = aioimaplib.IMAP4_SSL(
        "localhost", account.ports["imaps"], timeout=30, ssl_context=trusted
    )
    await client.wait_hello_from_server()
    assert (await client.login(account.address, PASSWORD)).result == "OK"
    return client


async def downloaded(client: aioimaplib.IMAP4_SSL) -> dict[bytes, frozenset[str]]:
    """The selected mailbox's messages with their flags."""
    response = await client.fetch("1:*", "(FLAGS BODY.PEEK[])")
    assert response.result == "OK"
    found = {}
    for position, line in enumerate(response.lines):
        if flags := re.search(rb"FETCH \(FLAGS \(([^)]*)\) BODY", bytes(line)):
            names = {name.decode() for name in flags[1].split()} - {"\\Recent"}
            found[bytes(response.lines[position + 1])] = frozenset(names)
    return found


async def test_it_downloads_and_changes(deployment, account, message):
    account.append("INBOX", *range(1, 501))
    client = await sign_in(deployment, account)
    assert client.has_capability("MOVE")
    assert (await client.select("INBOX")).result == "OK"
    assert await downloaded(client) == account.contents()
    assert (await client.search("UNSEEN", "UNFLAGGED")).lines[0].startswith(b"4 6 10")
    assert (await client.uid("store", "1:50", "+FLAGS", "(\\Flagged $Work)")).result == "OK"
    assert (await client.uid("move", "51:100", "Archive")).result == "OK"
    assert (await client.copy("1:10", "Trash")).result == "OK"
    assert (await client.append(message(900), "INBOX", flags="\\Seen")).result == "OK"
    found = await downloaded(client)
    assert len(found) == 451
    assert found == account.contents()
    assert len(account.contents("Archive")) == 50
    assert (await client.create("New")).result == "OK"
    assert (await client.rename("New", "Newer")).result == "OK"
    assert (await client.delete("Newer")).result == "OK"
    assert (await client.logout()).result == "OK"


async def test_it_idles_again_and_again(deployment, account):
    client = await sign_in(deployment, account)
    await client.select("INBOX")
    for number in (1, 2, 3):
        idling = await client.idle_start(timeout=60)
        await asyncio.to_thread(account.append, "INBOX", number)
        pushed = await client.wait_server_push(timeout=20)
        assert b"%d EXISTS" % number in pushed
        client.idle_done()
        await asyncio.wait_for(idling, 20)
    assert (await client.logout()).result == "OK"
