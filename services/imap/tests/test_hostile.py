"""The corpus in hostile/, over sockets, against a process: nothing makes it fail, hang or grow."""

import codecs
import importlib.util
import re
from pathlib import Path

import psutil
import pytest

from mailquay.testing.transcripts import Connection

_FOLDER = Path(__file__).parent / "hostile"
_COMMANDS = sorted(_FOLDER.glob("commands/*.txt"))
#: How much larger the process may be after the whole corpus.
_GROWTH_BYTES = 200 << 20
_LITERAL = re.compile(rb"\{(\d+)\}\Z")
#: What clients ask of a message.
_QUESTIONS = [
    b"FETCH * FULL", b"FETCH * (BODYSTRUCTURE PREVIEW RFC822.SIZE)", b"FETCH * BODY.PEEK[]",
    b"FETCH * (BODY.PEEK[HEADER] BODY.PEEK[TEXT]<0.99>)", b"FETCH * BINARY.PEEK[1]",
    b"FETCH * BODY.PEEK[1.1.1.1.1.1.1.1.1.1.MIME]", b"FETCH * BODY.PEEK[HEADER.FIELDS (To)]",
    b"SEARCH TEXT innermost", b"SEARCH * HEADER Subject x", b"SORT (SUBJECT FROM DATE) UTF-8 ALL",
    b"THREAD REFERENCES UTF-8 ALL", b"COPY * Trash",
]  # fmt: skip


def _messages():
    spec = importlib.util.spec_from_file_location("messages", _FOLDER / "messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MESSAGES


_MESSAGES = _messages()


def answer(client: Connection, command: bytes) -> bytes:
    """Give a command; returns its completion. Who is asked for more sends an empty line."""
    client.send(b"x " + command + b"\r\n")
    while (line := client.read_line()) is not None:
        assert b"SERVERBUG" not in line, (command, line)
        if line.startswith(b"x "):
            return line
        if line.startswith(b"+"):
            client.send(b"\r\n")
        elif match := _LITERAL.search(line):
            assert len(client.read_bytes(int(match[1]))) == int(match[1]), command
    raise AssertionError(f"the connection ended in {command!r}")


@pytest.fixture(scope="module")
def process(imap):
    process = imap.process()
    imap.add_account()
    resident = psutil.Process(process.child.pid).memory_info
    before = resident().rss
    yield process
    assert resident().rss < before + _GROWTH_BYTES
    log = imap.deployment.folder / "imap-0.log"
    text = log.read_text()
    assert "serves" in text, "that is its log"
    assert "Traceback" not in text


@pytest.mark.parametrize("enabled", ["", "IMAP4rev2", "QRESYNC UTF8=ACCEPT", "UIDONLY"])
@pytest.mark.parametrize("path", _COMMANDS, ids=lambda path: path.stem)
def test_each_command_is_answered_and_the_next_one_too(imap, process, path, enabled):
    address = imap.add_account()
    setup = [f"ENABLE {enabled}".encode()] if enabled else []
    setup += [b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n", b"SELECT INBOX"]
    client = imap.sign_in(address, *setup)
    lines = path.read_text("ascii").splitlines()
    for number, line in enumerate(lines, 1):
        command = codecs.decode(line, "unicode_escape").encode("latin-1")
        completion = answer(client, command)
        assert completion.startswith((b"x OK", b"x NO", b"x BAD")), (number, line, completion)
        assert answer(client, b"NOOP") == b"x OK NOOP completed", (number, line)
        if number % 25 == 0:  # after so many that make no sense a client is cut off
            client.close()
            client = imap.sign_in(address, *setup)
    client.close()


@pytest.mark.parametrize("name", _MESSAGES)
def test_each_message_is_taken_or_refused_and_read(imap, process, name):
    data = _MESSAGES[name]()
    client = imap.sign_in(imap.add_account(), b"SELECT INBOX")
    taken = answer(client, b"APPEND INBOX ~{%d+}\r\n%b" % (len(data), data))
    assert taken.startswith(b"x OK")
    for question in _QUESTIONS:
        completion = answer(client, question)
        assert completion.startswith((b"x OK", b"x NO")), (question, completion)
    assert answer(client, b"NOOP") == b"x OK NOOP completed"
    client.close()
