"""A client of line protocols that says exactly what it is told, wrong things too."""

import socket
import ssl
from types import TracebackType
from typing import Final, Self

__all__ = ["LineClient"]

_SECONDS: Final = 30


class LineClient:
    """A blocking connection to loopback; use as a context manager.

    Every wait ends in `TimeoutError` after half a minute.
    """

    def __init__(self, port: int, *, context: ssl.SSLContext | None = None) -> None:
        self._buffer = b""
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), _SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.start_tls(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS."""
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def finish_sending(self) -> None:
        """Say no more, and go on listening."""
        self.socket.shutdown(socket.SHUT_WR)

    def line(self) -> bytes:
        """The next line without its CRLF; ``b""`` once the server has closed the connection."""
        while b"\r\n" not in self._buffer:
            try:
                data = self.socket.recv(256 * 1024)
            except ConnectionResetError:
                data = b""
            if not data:
                assert not self._buffer, f"half a line: {self._buffer!r}"
                return b""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def reply(self) -> bytes:
        """SMTP's next reply, its lines joined by LF; ``b""`` at the end of the connection."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return b"\n".join(lines)

    def ask(self, command: bytes) -> bytes:
        """Send a command line and take SMTP's reply to it."""
        self.send(command + b"\r\n")
        return self.reply()

    def multiline(self) -> list[bytes]:
        """POP3's lines up to the final dot, dots unstuffed."""
        lines = []
        while (line := self.line()) != b".":
            lines.append(line.removeprefix(b"."))
        return lines

    def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        while True:
            try:
                data = self.socket.recv(256 * 1024)
            except ConnectionResetError:
                data = b""
            if not data:
                rest, self._buffer = self._buffer, b""
                return rest
            self._buffer += data
