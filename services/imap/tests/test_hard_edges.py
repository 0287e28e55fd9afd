"""The edges of the connection: large commands, bombs, clients that stop reading or writing."""

import socket
import zlib

import pytest
from psutil import Process

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.transcripts import Connection

_MIB = 1 << 20


def completion(client: Connection, command: bytes) -> bytes:
    """Give a command; returns the line that completes it."""
    client.send(b"x " + command + b"\r\n")
    while (line := client.read_line()) is not None:
        if line.startswith((b"x ", b"* BYE")):
            return line
    raise AssertionError("the connection ended")


@pytest.fixture
def client(imap):
    client = imap.sign_in(
        imap.add_account(), b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n", b"SELECT INBOX"
    )
    yield client
    client.close()


def test_a_command_of_nearly_the_limit_is_read(client):
    assert completion(client, b"NOOP" + b" " * (_MIB - 1000)) == b"x OK NOOP completed"


def test_a_command_line_over_the_limit_ends_the_connection(client):
    assert completion(client, b"NOOP " + b"x" * _MIB).startswith(b"* BYE [TOOBIG]")


def test_100_000_ranges_are_read(client):
    ranges = b",".join(b"%d" % (number * 2 + 1) for number in range(100_000))
    assert completion(client, b"UID FETCH " + ranges + b" FLAGS") == b"x OK UID FETCH completed"
    assert completion(client, b"UID SEARCH UID " + ranges) == b"x OK UID SEARCH completed"


@pytest.mark.parametrize(
    "command",
    [
        b"SEARCH " + b"(" * 100_000 + b"ALL" + b")" * 100_000,
        b"SEARCH " + b"NOT " * 100_000 + b"ALL",
        b"SEARCH " + b"OR ALL " * 100_000 + b"ALL",
        b"FETCH 1 " + b"(" * 100_000,
        b"ID " + b"(" * 100_000,
        b'LIST "" ' + b"(" * 100_000,
        b"FETCH 1 BODY[" + b"1." * 100_000 + b"1]",
        b"NOTIFY SET " + b"(" * 100_000,
        b"THREAD REFS UTF-8 " + b"(" * 100_000,
    ],
    ids=lambda command: command[:12].decode(),
)
def test_what_is_nested_too_deep_is_refused(client, command):
    assert completion(client, command).startswith(b"x BAD")
    assert completion(client, b"NOOP") == b"x OK NOOP completed"


def test_a_bomb_inside_deflate_meets_the_limit_of_a_line(imap):
    process = Process(imap.process().child.pid)
    client = imap.sign_in(imap.add_account(), b"COMPRESS DEFLATE")
    before = process.memory_info().rss
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = deflate.compress(bytes(256 * _MIB)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    assert len(piece) < _MIB, "it is a bomb"
    client.send(b"" + piece)
    inflate = zlib.decompressobj(-15)
    said = b""
    while data := client.read_bytes(1):
        said += inflate.decompress(data)
    assert said.startswith(b"* BYE [TOOBIG]")
    assert process.memory_info().rss < before + 64 * _MIB
    client.close()


def test_a_client_that_says_no_more_is_answered_still(imap):
    port = imap.process().ports["imap"]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"a NOOP\r\nb CAPABILITY\r\nc NOOP")
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while data := connection.recv(65536):
            said += data
    assert b"a OK NOOP completed\r\n" in said
    assert b"b OK CAPABILITY completed\r\n" in said
    assert b"\r\nc " not in said, "that was no whole command"


def test_clients_that_stop_reading_hold_no_database_connection(imap):
    address = imap.add_account()
    body = b"Subject: x\r\n\r\n" + b"x" * (8 * _MIB)
    helper = imap.sign_in(address)
    helper.send(b"x APPEND INBOX {%d+}\r\n%b\r\n" % (len(body), body))
    assert helper.read_line().startswith(b"x OK")
    stalled = [imap.sign_in(address, b"SELECT INBOX") for _ in range(24)]
    for client in stalled:
        client.send(b"a FETCH 1 BODY.PEEK[]\r\n")
    for client in stalled:
        assert client.read_line().startswith(b"* 1 FETCH"), "it is under way, and reads no more"
    other = imap.sign_in(imap.add_account(), b"CREATE x", b"SELECT INBOX")
    assert completion(other, b"STATUS x (MESSAGES)") == b"x OK STATUS completed"
    for client in (*stalled, helper, other):
        client.close()


def test_a_client_that_sends_a_byte_at_a_time_has_to_sign_in_in_time(imap):
    client = imap.connect(IMAP__LOGIN_TIMEOUT_SECONDS="1", IMAP__ALLOW_PLAINTEXT_AUTH="true")
    assert client.read_line().startswith(b"* OK")
    line = None
    with pytest.raises(OSError):  # noqa: PT012  # cut off while it sends, or when it has
        for byte in b"a LOGIN " + b"x" * 10_000:
            client.send(bytes([byte]))
            client._socket.settimeout(0.05)
            try:
                data = client._socket.recv(100)
            except TimeoutError:
                continue
            if not data:
                raise ConnectionError
            line = data
    assert line == b"* BYE Nothing was heard for too long\r\n"
    client.close()


def test_a_password_is_asked_for_by_literals(imap):
    address = imap.add_account().encode()
    client = imap.connect()
    client.read_line()
    client.send(b"a LOGIN {%d}\r\n" % len(address))
    assert client.read_line().startswith(b"+ ")
    client.send(address + b" {%d}\r\n" % len(PASSWORD))
    assert client.read_line().startswith(b"+ ")
    client.send(PASSWORD.encode() + b"\r\n")
    assert client.read_line().startswith(b"a OK")
    client.close()
