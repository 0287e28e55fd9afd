"""Messages to send: of a given size, made of words, the same for every server."""

import random
import time
from typing import Final

__all__ = ["WORDS", "head", "lettered", "padded"]

WORDS: Final = (
    "invoice", "meeting", "report", "budget", "travel", "schedule", "project", "release", "deploy",
    "garden", "music", "photo", "recipe", "contract", "support", "ticket", "server", "backup",
    "holiday", "weekend", "family", "review", "draft", "launch", "metric",
)  # fmt: skip
_LINE: Final = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789\r\n"


def padded(size: int) -> bytes:
    """A body of about that many bytes, in whole lines; no line begins with a dot."""
    return (_LINE * (size // len(_LINE) + 1))[: size - 2].rstrip(b"\r\n") + b"\r\n"


def head(sender: str, recipient: str, subject: str, message_id: str) -> bytes:
    """The header of a message whose body is `padded`."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    return (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\nDate: {date}\r\n"
        f"Message-ID: <{message_id}>\r\nX-Sent: {time.time():.6f}\r\n\r\n"
    ).encode()


def lettered(number: int, size: int, rnd: random.Random) -> bytes:
    """A message such as people send, of words that a search may look for."""
    a, b, c, d = (rnd.choice(WORDS) for _ in range(4))
    fields = (
        f"Received: from mx{number % 7}.example.org (mx{number % 7}.example.org "
        f"[192.0.2.{number % 250}])\r\n\tby mail.example.test with ESMTPS id {number:08x}\r\n"
        f"\tfor <u1@example.test>; Mon, 2 Mar 2026 10:{number % 60:02d}:00 +0000\r\n"
        f'From: "{a.title()} {b.title()}" <{a}.{b}{number % 97}@example.org>\r\n'
        f'To: "User One" <u1@example.test>, "{c.title()} List" <{c}@lists.example.net>\r\n'
        f"Cc: {d}@example.com\r\nSubject: {a} {b} {c} {d} number {number}\r\n"
        f"Date: Mon, {1 + number % 28} Mar 2026 10:{number % 60:02d}:{number // 60 % 60:02d} "
        f"+0000\r\nMessage-ID: <{number}.{rnd.getrandbits(64):x}@example.org>\r\n"
        f"In-Reply-To: <{number - 1}@example.org>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
        "X-Mailer: bench\r\n\r\n"
    )
    lines = [fields]
    left = size - len(fields)
    while left > 2:
        line = " ".join(rnd.choice(WORDS) for _ in range(9))[: left - 2] + "\r\n"
        lines.append(line)
        left -= len(line)
    return "".join(lines).encode()
