"""The MIME tree of a message (RFC 2045, RFC 2046), as offsets and field values. No I/O here."""

from collections.abc import Iterator
from dataclasses import dataclass

from mailquay.message.envelope import Envelope

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part; ``raw[header_start:body_start]`` is its header, up to ``body_end`` its body."""

    header_start: int
    body_start: int
    body_end: int
    body_lines: int
    type: str
    subtype: str
    params: tuple[tuple[str, str], ...] = ()
    disposition: str | None = None
    disposition_params: tuple[tuple[str, str], ...] = ()
    content_id: str | None = None
    description: str | None = None
    encoding: str = "7bit"
    language: tuple[str, ...] = ()
    location: str | None = None
    md5: str | None = None
    #: A multipart's parts; of an embedded message exactly one, the message.
    children: tuple["Part", ...] = ()
    #: An embedded message's envelope, on the part that embeds it.
    envelope: Envelope | None = None

    @property
    def is_multipart(self) -> bool:
        """Whether the children are its parts."""
        return self.type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether this embeds a message that was looked into."""
        return self.type == "message" and bool(self.children)

    @property
    def content_type(self) -> str:
        """``type/subtype``, lower case."""
        return f"{self.type}/{self.subtype}"

    @property
    def size(self) -> int:
        """Bytes of the body as it is encoded."""
        return self.body_end - self.body_start

    def param(self, name: str) -> str | None:
        """A Content-Type parameter, decoded."""
        return next((value for key, value in self.params if key == name), None)

    @property
    def charset(self) -> str:
        """The charset named, lower case; ``us-ascii`` when none is (RFC 2046 §4.1.2)."""
        return (self.param("charset") or "us-ascii").lower()

    @property
    def filename(self) -> str | None:
        """What the sender called the file, decoded; it may hold anything, slashes too."""
        for key, value in self.disposition_params:
            if key == "filename":
                return value
        return self.param("name")

    def walk(self, prefix: str = "") -> Iterator[tuple[str, "Part"]]:
        """All parts below this with their IMAP part numbers (RFC 9051 §6.4.5.1), outer first."""
        if not self.is_multipart:
            # A message that is no multipart is its own part 1.
            yield (f"{prefix}1", self)
            yield from self._walk_embedded(f"{prefix}1.")
            return
        for number, child in enumerate(self.children, 1):
            yield (f"{prefix}{number}", child)
            if child.is_multipart:
                yield from child.walk(f"{prefix}{number}.")
            else:
                yield from child._walk_embedded(f"{prefix}{number}.")

    def _walk_embedded(self, prefix: str) -> Iterator[tuple[str, "Part"]]:
        if self.is_message:
            yield from self.children[0].walk(prefix)
