"""ENVELOPE and BODYSTRUCTURE are IMAP's syntax, for any bytes (RFC 9051 §7.5.2, §9; RFC 3501 §9).

They are read back by a parser of the grammar alone, which knows nothing of how they were written.
"""

import re

from hypothesis import example, given, settings

from mailquay.message import Part, ScanLimits, scan
from mailquay.message.addresses import Address, Group
from mailquay.testing.hostile import hostile_messages

LITERAL = re.compile(rb"\{(\d+)\}\r\n")
QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')  # no CR, LF, NUL, nor 8-bit
NUMBER = re.compile(rb"\d+")


class Syntax:
    """Reads one value of the grammar of RFC 9051 §9; fails at what is not in it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, token: bytes) -> None:
        found = self.data[self.position : self.position + len(token)]
        assert found == token, f"{token!r} expected at {self.data[self.position :][:40]!r}"
        self.position += len(token)

    def has(self, token: bytes) -> bool:
        return self.data.startswith(token, self.position)

    def end(self) -> None:
        assert self.position == len(self.data), self.data[self.position :]

    def number(self) -> int:
        match = NUMBER.match(self.data, self.position)
        assert match, self.data[self.position :][:40]
        self.position = match.end()
        return int(match[0])

    def string(self) -> bytes:
        if match := QUOTED.match(self.data, self.position):
            self.position = match.end()
            return re.sub(rb"\\(.)", rb"\1", match[1])
        match = LITERAL.match(self.data, self.position)
        assert match, self.data[self.position :][:40]
        self.position = match.end() + int(match[1])
        value = self.data[match.end() : self.position]
        assert len(value) == int(match[1])
        assert b"\0" not in value
        return value

    def nstring(self) -> bytes | None:
        if self.has(b"NIL"):
            self.take(b"NIL")
            return None
        return self.string()

    def spaced(self, *readers):
        values = []
        for reader in readers:
            if values:
                self.take(b" ")
            values.append(reader())
        return values

    def envelope(self):
        self.take(b"(")
        text, addresses = self.nstring, self.addresses
        values = self.spaced(text, text, *[addresses] * 6, text, text)
        self.take(b")")
        return values

    def addresses(self):
        """With groups between their markers: a NIL host begins one, a NIL mailbox ends it."""
        if self.has(b"NIL"):
            return self.nstring() or []
        self.take(b"(")
        found, group = [], None
        while not self.has(b")"):
            self.take(b"(")
            name, route, mailbox, host = self.spaced(*[self.nstring] * 4)
            self.take(b")")
            assert route is None
            if host is not None:
                assert mailbox is not None
                (found if group is None else group[1]).append((name, mailbox, host))
            elif mailbox is not None:
                assert group is None, "groups do not nest"
                group = (mailbox, [])
            else:
                assert group is not None
                found.append(group)
                group = None
        self.take(b")")
        assert group is None
        assert found, "an empty list is NIL"
        return found

    def params(self):
        if self.has(b"NIL"):
            return self.nstring() or []
        self.take(b"(")
        pairs = [tuple(self.spaced(self.string, self.string))]
        while not self.has(b")"):
            self.take(b" ")
            pairs.append(tuple(self.spaced(self.string, self.string)))
        self.take(b")")
        return pairs

    def disposition(self):
        if self.has(b"NIL"):
            return self.nstring()
        self.take(b"(")
        value = tuple(self.spaced(self.string, self.params))
        self.take(b")")
        return value

    def languages(self):
        if not self.has(b"("):
            value = self.nstring()
            return [] if value is None else [value]
        self.take(b"(")
        values = [self.string()]
        while not self.has(b")"):
            self.take(b" ")
            values.append(self.string())
        self.take(b")")
        return values

    def body(self, *, extensible: bool) -> dict[str, object]:
        self.take(b"(")
        found = self.multipart(extensible) if self.has(b"(") else self.single(extensible)
        self.take(b")")
        return found

    def multipart(self, extensible):
        found = {"type": b"multipart", "parts": []}
        while self.has(b"("):
            found["parts"].append(self.body(extensible=extensible))
        self.take(b" ")
        found["subtype"] = self.string()
        if extensible:
            self.take(b" ")
            found["params"] = self.params()
            found["tail"] = self.tail()
        return found

    def single(self, extensible):
        kind, subtype = self.spaced(self.string, self.string)
        self.take(b" ")
        params, content_id, description, encoding, octets = self.spaced(
            self.params, self.nstring, self.nstring, self.string, self.number
        )
        found = {
            "type": kind, "subtype": subtype, "params": params, "id": content_id,
            "description": description, "encoding": encoding, "octets": octets,
        }  # fmt: skip
        if kind.lower() == b"message" and subtype.lower() in (b"rfc822", b"global"):
            self.take(b" ")
            found["envelope"], found["body"], found["lines"] = self.spaced(
                self.envelope, lambda: self.body(extensible=extensible), self.number
            )
        elif kind.lower() == b"text":
            self.take(b" ")
            found["lines"] = self.number()
        if extensible:
            self.take(b" ")
            found["md5"] = self.nstring()
            found["tail"] = self.tail()
        return found

    def tail(self):
        self.take(b" ")
        return self.spaced(self.disposition, self.languages, self.nstring)


def read_body(data: bytes, *, extensible: bool = True):
    syntax = Syntax(data)
    found = syntax.body(extensible=extensible)
    syntax.end()
    return found


def read_envelope(data: bytes):
    syntax = Syntax(data)
    found = syntax.envelope()
    syntax.end()
    return found


def said(text: str | None) -> bytes | None:
    """Text as it goes over the wire, which carries no NUL."""
    return None if text is None else text.encode("utf-8", "surrogateescape").replace(b"\0", b"")


def assert_tells(found, part: Part) -> None:
    """What was read back is what the part holds."""
    assert (found["type"], found["subtype"]) == (said(part.type), said(part.subtype))
    assert found["params"] == [(said(name), said(value)) for name, value in part.params]
    if part.is_multipart:
        parts = found["parts"]
        if part.children:
            assert len(parts) == len(part.children)
            for inner, child in zip(parts, part.children, strict=True):
                assert_tells(inner, child)
        return
    assert found["octets"] == part.size
    assert found["encoding"] == said(part.encoding)
    if "lines" in found:
        assert found["lines"] == part.body_lines
    if part.is_message:
        assert_tells(found["body"], part.children[0])
    disposition, languages, _ = found["tail"]
    assert (disposition is None) is (part.disposition is None)
    assert languages == [said(tag) for tag in part.language]


@settings(max_examples=300)
@given(hostile_messages)
@example(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==")
@example(b"Content-Type: multipart/mixed\r\n\r\n")
@example(b'From: g:;\r\nSubject: \\"\r\nDate: \0\r\n\r\n')
def test_any_bytes_give_imap_syntax_that_tells_the_tree(raw: bytes) -> None:
    message = scan(raw, ScanLimits(max_depth=8, max_parts=50, max_fields=50))
    assert_tells(read_body(message.imap_bodystructure()), message.root)
    short = read_body(message.imap_body(), extensible=False)
    assert "tail" not in short
    envelope = read_envelope(message.imap_envelope())
    assert envelope[1] == (
        None if message.envelope.subject is None else message.envelope.subject.replace(b"\0", b"")
    )
    for read, meant in zip(
        envelope[2:8],
        (
            message.envelope.from_, message.envelope.sender, message.envelope.reply_to,
            message.envelope.to, message.envelope.cc, message.envelope.bcc,
        ),
        strict=True,
    ):  # fmt: skip
        assert read == [as_read(address) for address in meant]


def as_read(address: Address | Group):
    if isinstance(address, Group):
        return (said(address.raw_name), [as_read(member) for member in address.members])
    return (said(address.raw_name) or None, said(address.local), said(address.domain))
