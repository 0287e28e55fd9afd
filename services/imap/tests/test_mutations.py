"""Commands grown from pieces of the whole corpus and then damaged: parsed, and said to a server."""

import codecs
import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol.errors import BadCharset, ProtocolError
from mailquay_imap.protocol.fragments import ClientData, Limits, RawCommand
from mailquay_imap.protocol.parser import parse_command

_MANY = 1 << 20
_CORPUS = [
    codecs.decode(line, "unicode_escape").encode("latin-1")
    for path in sorted((Path(__file__).parent / "hostile" / "commands").glob("*.txt"))
    for line in path.read_text("ascii").splitlines()
]
_WORDS = sorted({word for command in _CORPUS for word in command.split(b" ")})
_SIGNS = [b"(", b")", b" ", b'"', b"\\", b"[", b"]", b"<", b">", b"{", b"}", b"+", b"*", b":", b",",
          b"$", b"-", b"%", b"&", b"\r", b"\0", b"\xff", b"0", b"99999999999999999999"]  # fmt: skip


def _mutate(command: bytes, chance: random.Random) -> bytes:
    """Cut, repeat, exchange or put in a little of a command."""
    at = chance.randint(0, len(command))
    end = chance.randint(at, min(len(command), at + 8))
    match chance.randrange(4):
        case 0:
            return command[:at] + command[end:]
        case 1:
            return command[:end] + command[at:end] * chance.randint(1, 5) + command[end:]
        case 2:
            return command[:at] + chance.choice(_SIGNS) + command[end:]
        case _:
            return command[:at] + b" " + chance.choice(_WORDS) + b" " + command[at:]


def _grow(chance: random.Random) -> bytes:
    """A command of the corpus, or the head of one with the tail of another, damaged."""
    command = chance.choice(_CORPUS)
    if chance.random() < 0.5:
        words, others = command.split(b" "), chance.choice(_CORPUS).split(b" ")
        command = b" ".join(
            words[: chance.randint(1, len(words))] + others[chance.randint(0, len(others)) :]
        )
    for _ in range(chance.randint(0, 4)):
        command = _mutate(command, chance)
    return command


@given(st.randoms(use_true_random=False), st.booleans())
def test_a_damaged_command_is_one_or_an_error(chance, is_utf8):
    data = ClientData(Limits(_MANY, _MANY))
    data.receive_data(b"t " + _grow(chance) + b"\r\n")
    while (event := data.next_event()) is not None:
        if isinstance(event, RawCommand):
            with contextlib.suppress(ProtocolError, BadCharset):
                parse_command(event, is_utf8=is_utf8)


@pytest.mark.parametrize("seed", range(6))
async def test_a_damaged_command_is_answered_and_the_connection_goes_on(start_imap, seed):
    chance = random.Random(seed)
    enabled = [b"IMAP4rev2", b"QRESYNC", b"UIDONLY", b"UTF8=ACCEPT", b"CONDSTORE", b"NOTHING"][seed]
    setup = (b"ENABLE " + enabled, b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n", b"SELECT INBOX")
    async with start_imap() as imap:
        for _ in range(12):
            client = await imap.sign_in(*setup)
            for _ in range(20):
                command = _grow(chance).replace(b"\n", b"")
                if b"COMPRESS" in command.upper():  # would be answered in another form
                    continue
                client.send(b"t " + command.replace(b"{", b"(") + b"\r\n")
                line = await client.line()
                while line and not line.startswith(b"t "):
                    assert b"SERVERBUG" not in line, (command, line)
                    if line.startswith(b"+"):
                        client.send(b"\r\n")
                    line = await client.line()
                assert line.startswith((b"t OK", b"t NO", b"t BAD")), (command, line)
                assert b"SERVERBUG" not in line, (command, line)
