"""An Email object out of what is known of a message (RFC 8621 §4.1). No I/O here.

What is kept of each message in the database is enough for lists; a `MessageView` says what else
a client's properties need.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from mailquay.delivery.facts import HEADER_FIELDS
from mailquay.message.header import Header
from mailquay.message.parts import Part
from mailquay_webmail_api.jmap.mail.body_parts import (
    Bodies,
    BodyPart,
    PartProperties,
    body_structure,
    decompose,
    show_headers,
)
from mailquay_webmail_api.jmap.mail.body_values import WantedValues, body_value
from mailquay_webmail_api.jmap.mail.header_fields import (
    CONVENIENCE,
    HeaderProperty,
    InvalidProperty,
    parse_header_property,
    read_field,
)

__all__ = ["DEFAULT_PROPERTIES", "METADATA", "Message", "MessageView", "utc_date"]

#: What is of the mail store and not of the message (RFC 8621 §4.1.1).
METADATA: Final = (
    "id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt",
)  # fmt: skip
#: ``properties`` of Email/get where the client names none (RFC 8621 §4.2).
DEFAULT_PROPERTIES: Final = (
    "id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "messageId",
    "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt",
    "hasAttachment", "preview", "bodyValues", "textBody", "htmlBody", "attachments",
)  # fmt: skip
_STRUCTURAL: Final = frozenset(
    {"textBody", "htmlBody", "attachments", "bodyStructure", "bodyValues"}
)
_FACTS: Final = frozenset({"hasAttachment", "preview"})
_KNOWN: Final = frozenset({*METADATA, *CONVENIENCE, *_STRUCTURAL, *_FACTS, "headers"})


@dataclass(slots=True)
class Message:
    """What is known of a message; None is not known yet."""

    blob_id: Callable[[str], str]  # of a part id
    has_attachment: bool = False
    preview: str = ""
    #: The fields that are kept; empty also where they were too many to keep.
    kept_header: bytes = b""
    root: Part | None = None
    raw: bytes | None = None


class MessageView:
    """The properties that a client asks for, each checked once."""

    def __init__(
        self,
        properties: Sequence[str],
        body_properties: Sequence[str] | None,
        values: WantedValues,
    ) -> None:
        """Read them.

        Raises:
            InvalidProperty: one is no property of an Email or an EmailBodyPart.
        """
        self.properties = tuple(dict.fromkeys(properties))
        self._parts = PartProperties(body_properties)
        self._values = values
        self._fields: dict[str, HeaderProperty] = {}
        for name in self.properties:
            if name in CONVENIENCE:
                self._fields[name] = CONVENIENCE[name]
            elif (field := parse_header_property(name)) is not None:
                self._fields[name] = field
            elif name not in _KNOWN:
                raise InvalidProperty(f"{name!r} is no property of an Email")
        wanted = set(self.properties)
        self._has_values = "bodyValues" in wanted and (
            values.of_text or values.of_html or values.of_all
        )
        self._has_kept_fields_only = all(
            field.key in HEADER_FIELDS for field in self._fields.values()
        )
        self.wants_structure = bool(wanted & _STRUCTURAL - {"bodyValues"}) or self._has_values
        self.wants_facts = bool(wanted & _FACTS)
        self.wants_header = bool(self._fields)
        #: Whether the message itself must be read, whatever it is.
        self.wants_message = (
            "headers" in wanted or self._has_values or not self._has_kept_fields_only
        )

    def needs_message(self, message: Message) -> bool:
        """Whether the message itself must be read, as what is kept of it does not say all."""
        if self.wants_message or (self.wants_header and not message.kept_header):
            return True
        if message.root is None:
            return False
        structure = body_structure(message.root)
        if "bodyStructure" in self.properties:
            shown: Iterable[BodyPart] = structure.walk()
        else:
            shown = chain.from_iterable(self._lists(decompose(structure)).values())
        return any(self._parts.needs_message(item) for item in shown)

    def _lists(self, bodies: Bodies) -> dict[str, list[BodyPart]]:
        """Those of the flat lists that are asked for."""
        lists = {
            "textBody": bodies.text, "htmlBody": bodies.html, "attachments": bodies.attachments,
        }  # fmt: skip
        return {name: items for name, items in lists.items() if name in self.properties}

    def show(self, message: Message, metadata: dict[str, Any]) -> dict[str, Any]:
        """The Email with these properties; ``metadata`` has the values of `METADATA`."""
        shown: dict[str, Any] = {}
        structural = self._structural(message) if self.wants_structure else {}
        header = self._header(message)
        for name in self.properties:
            if name in self._fields:
                shown[name] = read_field(header, self._fields[name])
            elif name == "headers":
                shown[name] = show_headers(header)
            elif name == "hasAttachment":
                shown[name] = message.has_attachment
            elif name == "preview":
                shown[name] = message.preview
            elif name in _STRUCTURAL:
                shown[name] = structural.get(name, {})
            else:
                shown[name] = metadata[name]
        return shown

    def _header(self, message: Message) -> Header:
        """The whole header where it is at hand, else the fields that are kept."""
        if message.raw is None:
            return Header(message.kept_header, 0, len(message.kept_header))
        assert message.root is not None, "who has read a message knows its structure"
        return Header(message.raw, 0, message.root.body_start)

    def _structural(self, message: Message) -> dict[str, Any]:
        assert message.root is not None, "the structure was asked for"
        structure = body_structure(message.root)
        bodies = decompose(structure)
        shown: dict[str, Any] = {
            name: [self._parts.show(item, message.raw, message.blob_id) for item in items]
            for name, items in self._lists(bodies).items()
        }
        if "bodyStructure" in self.properties:
            shown["bodyStructure"] = self._parts.show(
                structure, message.raw, message.blob_id, with_children=True
            )
        if self._has_values:
            assert message.raw is not None, "text is read from the message"
            shown["bodyValues"] = {
                str(item.part_id): body_value(message.raw, item, self._values.max_bytes)
                for item in self._values.parts(structure, bodies)
            }
        return shown


def utc_date(when: datetime) -> str:
    """A UTCDate (RFC 8620 §1.4), in whole seconds."""
    when = when.astimezone(UTC)
    return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T{when:%H:%M:%S}Z"
