"""Clients that nobody here wrote: imaplib and IMAPClient."""

import base64
import datetime
import hashlib
import hmac
import imaplib
import ssl

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from mailquay.testing.deployment import PASSWORD

MESSAGE = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.net>\r\nTo: Ann <ann@example.org>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\n"
    b"Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHallo\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>Hallo\r\n--b--\r\n"
)


@pytest.fixture(scope="module")
def imap_ports(deployment):
    return deployment.start("imap").ports


@pytest.fixture
def trusted(deployment):
    return ssl.create_default_context(cafile=str(deployment.ca_file))


def test_imaplib_reads_and_writes(deployment, imap_ports, trusted):
    deployment.add_account("lib@example.org")
    with imaplib.IMAP4("localhost", imap_ports["imap"]) as client:
        client.starttls(trusted)
        read_and_write(client)


def read_and_write(client: imaplib.IMAP4) -> None:
    assert "IMAP4REV2" in client.capabilities
    client.authenticate("PLAIN", lambda _: b"\0lib@example.org\0" + PASSWORD.encode())
    assert client.create('"Old mail"')[0] == "OK"
    assert (
        client.append('"Old mail"', "(\\Seen)", '" 1-Jan-2020 00:00:00 +0000"', MESSAGE)[0] == "OK"
    )
    assert client.select('"Old mail"') == ("OK", [b"1"])
    assert client.response("UIDNEXT")[1] == [b"2"]
    assert client.search(None, "SUBJECT", '"Gr"')[1] == [b"1"]
    status, data = client.fetch("1", "(BODY.PEEK[])")
    assert (status, data[0][1]) == ("OK", MESSAGE)
    assert client.store("1", "+FLAGS", "\\Answered")[1] == [
        b"1 (UID 1 FLAGS (\\Answered \\Seen \\Recent))"
    ]
    assert client.copy("1", "Trash")[0] == "OK"
    assert client.store("1", "+FLAGS.SILENT", "\\Deleted")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    assert client.status("Trash", "(MESSAGES UNSEEN)")[1] == [b'"Trash" (MESSAGES 1 UNSEEN 0)']
    assert client.unselect()[0] == "OK"
    assert client.rename('"Old mail"', "New")[0] == "OK"
    assert client.delete("New")[0] == "OK"
    assert client.namespace()[1] == [b'(("" "/")) NIL NIL']
    assert client.enable("CONDSTORE")[0] == "OK"


def test_imaplib_over_tls(deployment, imap_ports, trusted):
    deployment.add_account("tls@example.org")
    with imaplib.IMAP4_SSL("localhost", imap_ports["imaps"], ssl_context=trusted) as client:
        client.login("tls@example.org", PASSWORD)
        assert client.list()[0] == "OK"


def test_imapclient_reads_and_writes(deployment, imap_ports, trusted):
    deployment.add_account("client@example.org")
    with IMAPClient("localhost", imap_ports["imaps"], ssl_context=trusted) as client:
        use(client)


def use(client: IMAPClient) -> None:
    with pytest.raises(LoginError):
        client.login("client@example.org", "wrong")
    client.plain_login("client@example.org", PASSWORD)
    assert client.has_capability("MOVE")
    assert client.id_({"name": "IMAPClient"}) == ((b"name", b"Mailquay"),)
    assert client.find_special_folder(b"\\Sent") == "Sent"
    client.create_folder("Entwürfe & mehr")
    client.subscribe_folder("Entwürfe & mehr")
    assert "Entwürfe & mehr" in [name for _, _, name in client.list_sub_folders()]
    at = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)
    client.append("Entwürfe & mehr", MESSAGE, flags=[b"\\Seen", b"$Tea"], msg_time=at)
    selected = client.select_folder("Entwürfe & mehr")
    assert (selected[b"EXISTS"], selected[b"UIDNEXT"]) == (1, 2)
    assert b"$Tea" in selected[b"FLAGS"]
    (uid,) = client.search(["SUBJECT", "Grüße", "SINCE", datetime.date(2020, 1, 1)], "UTF-8")
    data = client.fetch(
        [uid],
        ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "FLAGS", "RFC822.SIZE", "BODY[1]",
         "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY.PEEK[]<5.9>"],
    )[uid]  # fmt: skip
    assert data[b"ENVELOPE"].subject == b"=?utf-8?q?Gr=C3=BC=C3=9Fe?="
    assert data[b"ENVELOPE"].from_[0].mailbox == b"j"
    assert data[b"BODYSTRUCTURE"][0][1][1] == b"html"
    assert data[b"INTERNALDATE"].timestamp() == at.timestamp()
    assert data[b"RFC822.SIZE"] == len(MESSAGE)
    assert data[b"BODY[1]"] == b"Hallo"
    assert data[b"BODY[]<5>"] == MESSAGE[5:14]
    assert set(data[b"FLAGS"]) == {b"\\Seen", b"\\Recent", b"$Tea"}
    assert client.add_flags([uid], [b"\\Flagged"])[uid][0] == b"\\Flagged"
    client.move([uid], "Trash")
    assert client.folder_status("Trash", ["MESSAGES"])[b"MESSAGES"] == 1
    assert client.search() == []
    client.unselect_folder()
    client.rename_folder("Entwürfe & mehr", "Schluß")
    client.delete_folder("Schluß")
    with pytest.raises(IMAPClientError, match="NONEXISTENT"):
        client.select_folder("Schluß")


def test_imapclient_idles_and_keeps_in_step(deployment, imap_ports):
    deployment.add_account("step@example.org")
    with (
        IMAPClient("127.0.0.1", imap_ports["imap"], ssl=False) as idler,
        IMAPClient("127.0.0.1", imap_ports["imap"], ssl=False) as other,
    ):
        keep_in_step(idler, other)


def keep_in_step(idler: IMAPClient, other: IMAPClient) -> None:
    idler.login("step@example.org", PASSWORD)
    idler.enable("CONDSTORE")
    modseq = idler.select_folder("INBOX")[b"HIGHESTMODSEQ"]
    idler.idle()
    other.login("step@example.org", PASSWORD)
    other.append("INBOX", MESSAGE)
    told = idler.idle_check(timeout=20)
    assert (1, b"EXISTS") in told
    idler.idle_done()
    found = idler.fetch("1:*", ["FLAGS"], modifiers=[f"CHANGEDSINCE {modseq}"])
    assert found[1][b"MODSEQ"][0] > modseq


def test_imapclient_signs_in_by_sasl(deployment, imap_ports, trusted):
    deployment.add_account("sasl@example.org")
    with IMAPClient("localhost", imap_ports["imap"], ssl=False) as client:
        client.starttls(trusted)
        answers = [b"sasl@example.org", PASSWORD.encode()]
        client.sasl_login("LOGIN", lambda _challenge: answers.pop(0))
        assert client.list_folders()


def scram_sha_256(username: str, password: str):
    """A client's side of RFC 7677, as imaplib wants it; it checks the server's signature too."""
    bare = f"n={username},r=rOprNGfwEbeRWgbNEkqO"
    proof: dict[str, bytes] = {}

    def answer(challenge: bytes) -> bytes:
        if not challenge:
            return b"n,," + bare.encode()
        fields = dict(field.split("=", 1) for field in challenge.decode().split(","))
        if "v" in fields:
            assert base64.b64decode(fields["v"]) == proof["server"]
            return b""
        salted = hashlib.pbkdf2_hmac(
            "sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
        )
        final = f"c=biws,r={fields['r']}"
        message = f"{bare},{challenge.decode()},{final}".encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof["server"] = hmac.digest(
            hmac.digest(salted, b"Server Key", "sha256"), message, "sha256"
        )
        client_proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return f"{final},p={base64.b64encode(client_proof).decode()}".encode()

    return answer


def test_scram_proves_both_sides(deployment, imap_ports):
    deployment.add_account("scram@example.org")
    with imaplib.IMAP4("localhost", imap_ports["imap"]) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.authenticate("SCRAM-SHA-256", scram_sha_256("scram@example.org", "wrong"))
        client.authenticate("SCRAM-SHA-256", scram_sha_256("scram@example.org", PASSWORD))
        assert client.select()[0] == "OK"
