"""The text of parts, decoded and cut (RFC 8621 §4.1.4, bodyValues). No I/O here."""

from dataclasses import dataclass
from typing import Any, Final

from mailquay.message.charsets import decode_charset, decode_charset_strictly
from mailquay.message.content import decode_body
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.mail.body_parts import Bodies, BodyPart

__all__ = ["WantedValues", "body_value", "cut"]

_KNOWN_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary", "base64", "quoted-printable"})


@dataclass(frozen=True, slots=True)
class WantedValues:
    """Of which parts a client wants the text, and how much of it at most; 0 is all."""

    of_text: bool
    of_html: bool
    of_all: bool
    max_bytes: int

    @classmethod
    def read(cls, arguments: Arguments) -> "WantedValues":
        """The arguments of Email/get and Email/parse (RFC 8621 §4.2, §4.9).

        Raises:
            MethodError: invalidArguments.
        """
        return cls(
            arguments.boolean("fetchTextBodyValues"),
            arguments.boolean("fetchHTMLBodyValues"),
            arguments.boolean("fetchAllBodyValues"),
            arguments.optional_unsigned("maxBodyValueBytes") or 0,
        )

    def parts(self, structure: BodyPart, bodies: Bodies) -> list[BodyPart]:
        """The parts whose text is wanted, each once."""
        chosen = list(structure.walk()) if self.of_all else []
        chosen += bodies.text if self.of_text else []
        chosen += bodies.html if self.of_html else []
        by_id = {item.part_id: item for item in chosen if item.part.type == "text"}
        by_id.pop(None, None)
        return list(by_id.values())


def body_value(raw: bytes, item: BodyPart, max_bytes: int) -> dict[str, Any]:
    """An EmailBodyValue."""
    part = item.part
    data = decode_body(raw, part)
    text = decode_charset_strictly(data, part.charset)
    is_problem = text is None or part.encoding not in _KNOWN_ENCODINGS
    if text is None:
        text = decode_charset(data, part.charset)
    # Some charsets let lone surrogates through, which no JSON may hold.
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    value = cut(text, max_bytes, is_html=part.subtype == "html") if max_bytes else text
    return {
        "value": value,
        "isEncodingProblem": is_problem,
        "isTruncated": len(value) != len(text),
    }


def cut(text: str, max_bytes: int, *, is_html: bool) -> str:
    """The text's beginning, at most so many bytes of UTF-8; HTML is not cut inside a tag."""
    if len(text) * 4 <= max_bytes:
        return text
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    # A character that the limit divides is left out whole.
    short = data[:max_bytes].decode("utf-8", "ignore")
    if is_html and (start := short.rfind("<")) > short.rfind(">"):
        short = short[:start]
    return short
