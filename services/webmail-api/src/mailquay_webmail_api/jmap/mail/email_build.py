"""A message out of an Email to create (RFC 8621 §4.6). No I/O, no clock, no random here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mailquay.message.build import HeaderLine, Leaf, Multipart, Node, build
from mailquay.message.dates import format_date
from mailquay_webmail_api.jmap.core.blobs import Blob
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.mail.header_fields import (
    CONVENIENCE,
    InvalidProperty,
    parse_header_property,
)
from mailquay_webmail_api.jmap.mail.header_writing import write_fields
from mailquay_webmail_api.jmap.mail.part_build import PartBuilder, Problems, Values

__all__ = ["Origin", "build_email", "referenced_blobs"]

_BODY: Final = ("bodyStructure", "textBody", "htmlBody", "attachments")
#: What is of the mail store, and read elsewhere.
_METADATA: Final = ("mailboxIds", "keywords", "receivedAt")
#: The order in which mail user agents write them; others follow as they are given.
_ORDER: Final = (
    "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id",
    "in-reply-to", "references",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """What a message gets that has none of its own: RFC 5322 §3.6.1, §3.6.4."""

    now: datetime
    message_id: str
    make_boundary: Callable[[], str]


def referenced_blobs(given: Mapping[str, Any]) -> list[str]:
    """The blob ids that the body parts name, each once; whatever else is wrong with them."""
    found: dict[str, None] = {}
    waiting: list[Any] = [given.get(name) for name in _BODY]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting.append(item.get("subParts"))
            if isinstance(item.get("blobId"), str):
                found[item["blobId"]] = None
    return list(found)


def build_email(given: Mapping[str, Any], blobs: Mapping[str, Blob], origin: Origin) -> bytes:
    """Write the message.

    Args:
        given: the Email to create.
        blobs: those that it refers to.
        origin: what the message gets besides.

    Raises:
        SetError: invalidProperties, with all that are wrong.
    """
    builder = _Builder(given, blobs)
    lines = builder.header()
    body = builder.body({line.name.lower() for line in lines})
    if builder.problems.found:
        names = list(builder.problems.found)
        raise SetError.invalid_properties("; ".join(builder.problems.found.values()), *names)
    present = {line.name.lower() for line in lines}
    if "date" not in present:
        lines.append(HeaderLine("Date", format_date(origin.now)))
    if "message-id" not in present:
        lines.append(HeaderLine("Message-ID", f"<{origin.message_id}>"))
    return build(sorted(lines, key=_rank), body, origin.make_boundary)


def _rank(line: HeaderLine) -> int:
    name = line.name.lower()
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


@dataclass(slots=True)
class _Builder:
    given: Mapping[str, Any]
    blobs: Mapping[str, Blob]
    problems: Problems = field(default_factory=Problems)

    def header(self) -> list[HeaderLine]:
        """The message's own fields."""
        lines: list[HeaderLine] = []
        seen: dict[bytes, str] = {}
        for name, value in self.given.items():
            if name in _METADATA or name in _BODY or name == "bodyValues":
                continue
            try:
                wanted = CONVENIENCE.get(name) or parse_header_property(name)
                if wanted is None:
                    raise InvalidProperty(f"{name} cannot be set")
                if wanted.key.startswith(b"content-"):
                    raise InvalidProperty(f"{name} is a body part's to say")
                if wanted.key in seen:
                    raise InvalidProperty(f"{name} and {seen[wanted.key]} are the same field")
                seen[wanted.key] = name
                # The version is the same for all, and written by whoever writes the parts.
                if wanted.key != b"mime-version":
                    lines += write_fields(wanted, value)
            except ValueError as error:
                self.problems.add(name, str(error))
        return lines

    def body(self, top: set[str]) -> Node:
        """The tree of parts; ``top`` are the fields of the message itself."""
        values = Values.read(self.given.get("bodyValues"), self.problems)
        parts = PartBuilder(values, self.blobs, self.problems)
        if "bodyStructure" in self.given:
            for name in _BODY[1:]:
                if name in self.given:
                    self.problems.add(name, f"{name} cannot be given beside bodyStructure")
            return parts.node("bodyStructure", self.given["bodyStructure"], top)
        return self._arrange(parts)

    def _arrange(self, parts: PartBuilder) -> Node:
        """``mixed(related(alternative(text, html), inline…), attachment…)``, as far as needed."""
        text = self._only(parts, "textBody", "text/plain")
        html = self._only(parts, "htmlBody", "text/html")
        inline, others = self._attachments(parts, has_html=html is not None)
        bodies = [node for node in (text, html) if node is not None]
        if not bodies and not inline and not others:
            return Leaf((HeaderLine("Content-Type", "text/plain; charset=us-ascii"),), b"", True)
        body = [bodies[0]] if len(bodies) == 1 else [Multipart("alternative", tuple(bodies))]
        if not bodies:
            body = []
        if inline:
            body = [Multipart("related", (*body, *inline))]
        if others:
            body = [Multipart("mixed", (*body, *others))]
        return body[0]

    def _only(self, parts: PartBuilder, name: str, content_type: str) -> Node | None:
        """The one part of textBody or htmlBody."""
        if (given := self.given.get(name)) is None:
            return None
        if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], dict):
            self.problems.add(name, f"{name} is not a list of exactly one part")
            return None
        part = {"type": content_type, **given[0]}
        if part["type"] != content_type:
            self.problems.add(name, f"the part of {name} is not {content_type}")
        return parts.node(name, part, set())

    def _attachments(
        self, parts: PartBuilder, *, has_html: bool
    ) -> tuple[Sequence[Node], Sequence[Node]]:
        """Those that the HTML shows inside of it, and the others."""
        given = self.given.get("attachments")
        if given is None:
            return [], []
        if not isinstance(given, list):
            self.problems.add("attachments", "attachments is not a list")
            return [], []
        inline: list[Node] = []
        others: list[Node] = []
        for part in given:
            node = parts.node("attachments", part, set())
            is_inline = (
                has_html
                and isinstance(part, dict)
                and bool(part.get("cid"))
                and part.get("disposition") == "inline"
            )
            (inline if is_inline else others).append(node)
        return inline, others
