"""The runner of transcripts, against a server that says what it is told to say."""

import socket
import threading
from collections.abc import Iterator

import pytest

from mailquay.testing.transcripts import Connection, Mismatch, play, read_transcript


class Scripted:
    """A server that sends a text when it is connected to, and hears what is sent."""

    def __init__(self, says: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._says = says
        self.heard = b""
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.sendall(self._says)
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(4096):
                self.heard += data

    def connect(self, _port: str) -> Connection:
        return Connection("127.0.0.1", self._listener.getsockname()[1])

    def end(self) -> None:
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def hold(tmp_path) -> Iterator:
    """Play a text against a server that says these bytes; returns what it heard."""
    servers: list[Scripted] = []

    def run(text: str, says: bytes, **variables: str) -> bytes:
        path = tmp_path / "conversation"
        path.write_text(text, "utf-8")
        server = Scripted(says)
        servers.append(server)
        play(read_transcript(path), server.connect, variables=variables)
        server.end()
        return server.heard

    yield run
    for server in servers:
        server.end()


def test_both_sides_are_held_to_the_text(hold):
    text = "# as it is\nS1: hello «name=[a-z]+» «#»\nC1: good day «name» of «place»\nS1: «...» bye"
    said = hold(text, b"hello ann 12\r\nwell, bye\r\n", place="Spain")
    assert said == b"good day ann of Spain\r\n"


def test_literals_are_counted_and_compared(hold):
    text = (
        "C1: put {}\nC1| one\nC1| two\\\nC1: {+}\nC1| «ff»\\\nC1: end\n"
        "S1: got {}\nS1| line\nS1| rest\\\nS1:  end\n"
    )
    said = hold(text, b"got {10}\r\nline\r\nrest end\r\n")
    assert said == b"put {8}\r\none\r\ntwo{1+}\r\n\xffend\r\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("C1: x\nS1: yes", b"no\r\n"),
        ("C1: x\nS1: yes", b""),
        ("C1: x\nS1: yes", b"yes\r\nand more\r\n"),
        ("C1: x\nS1: «a=.*» «#»\nS1: «a»", b"b 1\r\nc\r\n"),
        ("C1: x\nS1: {}\nS1| abc\\\nS1:  end", b"{3}\r\nabd end\r\n"),
        ("C1: x\nS1: {}\nS1| abc\\\nS1:  end", b"{2}\r\nab end\r\n"),
        ("C1: x\nS1! close", b"wait\r\n"),
        ("C1: x\nS1! dance", b""),
    ],
)
def test_what_differs_is_told_with_its_line(hold, text, says):
    with pytest.raises(Mismatch, match=r"conversation:\d+"):
        hold(text, says)


def test_a_text_that_is_none_is_refused(tmp_path):
    path = tmp_path / "conversation"
    path.write_text("C1: x\nwhatever\n")
    with pytest.raises(ValueError, match="conversation:2"):
        read_transcript(path)


def test_directives_come_with_their_lines(tmp_path):
    path = tmp_path / "conversation"
    path.write_text("@message INBOX (a)\n| one «00»\n| two\\\n@select 1\nC1: x\n")
    message, select = read_transcript(path).directives
    assert (message.name, message.arguments, message.body) == (
        "message", "INBOX (a)", b"one \0\r\ntwo",
    )  # fmt: skip
    assert (select.name, select.body) == ("select", b"")
