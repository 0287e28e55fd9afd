"""The parts of a message to create (RFC 8621 §4.6, on EmailBodyParts). No I/O here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailquay.message.build import HeaderLine, Leaf, Multipart, Node
from mailquay.message.fields import parse_content_type
from mailquay.message.words import encode_parameter
from mailquay_webmail_api.jmap.core.blobs import Blob
from mailquay_webmail_api.jmap.mail.header_fields import InvalidProperty, parse_header_property
from mailquay_webmail_api.jmap.mail.header_writing import write_fields

__all__ = ["PartBuilder", "Problems", "Values"]

#: As deep and as many as anyone nests parts by hand.
DEPTH_MAX: Final = 20
PARTS_MAX: Final = 1_000

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,127}")
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_NOT_IN_BRACKETS: Final = re.compile(r"[\x00-\x20\x7f<>]")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES: Final = re.compile(rb"\r\n|\r|\n")
#: Properties that say something of a header field, which then cannot be given besides.
_FIELDS_OF: Final = {
    "type": "content-type",
    "charset": "content-type",
    "disposition": "content-disposition",
    "cid": "content-id",
    "language": "content-language",
    "location": "content-location",
}
_PROPERTIES: Final = frozenset(
    {*_FIELDS_OF, "partId", "blobId", "size", "name", "subParts"}
)  # fmt: skip


@dataclass(slots=True)
class Problems:
    """Properties that are wrong, and why; the first reason counts."""

    found: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, why: str) -> None:
        """Remember one."""
        self.found.setdefault(name, why if why.startswith(name) else f"{name}: {why}")


class Values:
    """``bodyValues``: text by part id."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    @classmethod
    def read(cls, given: object, problems: Problems) -> "Values":
        """Read them."""
        texts: dict[str, str] = {}
        if given is None:
            return cls(texts)
        if not isinstance(given, dict):
            problems.add("bodyValues", "it is not an object")
            return cls(texts)
        for part_id, value in given.items():
            if not isinstance(value, dict) or not isinstance(value.get("value"), str):
                problems.add("bodyValues", f"{part_id} has no value")
                continue
            flags = {name: flag for name, flag in value.items() if name != "value"}
            if not set(flags) <= {"isEncodingProblem", "isTruncated"} or any(
                flag is not False for flag in flags.values()
            ):
                problems.add("bodyValues", f"{part_id} is not whole text")
            texts[part_id] = value["value"]
        return cls(texts)


class PartBuilder:
    """Makes nodes of EmailBodyParts."""

    def __init__(self, values: Values, blobs: Mapping[str, Blob], problems: Problems) -> None:
        self._values = values
        self._blobs = blobs
        self._problems = problems
        self._count = 0

    def node(self, where: str, given: object, top: set[str], depth: int = 0) -> Node:
        """One part, and those below it.

        Args:
            where: the Email's property that it is given in.
            given: the part.
            top: fields that the message has already, and its root part must not have again.
            depth: of the part.
        """
        self._count += 1
        try:
            if not isinstance(given, dict):
                raise InvalidProperty("a part is not an object")
            if depth > DEPTH_MAX or self._count > PARTS_MAX:
                raise InvalidProperty("there are too many parts")
            return self._node(where, given, top, depth)
        except ValueError as error:
            self._problems.add(where, str(error))
            return Leaf((), b"")

    def _node(self, where: str, given: dict[str, Any], top: set[str], depth: int) -> Node:
        given = {name: value for name, value in given.items() if value is not None}
        lines = self._fields(given)
        if clash := top & {line.name.lower() for line in lines}:
            raise InvalidProperty(f"{min(clash)} is given for the message, too")
        stated = _take(lines, "content-type")
        content_type, params = _content_type(given, stated)
        if content_type.startswith("multipart/"):
            return self._multipart(where, given, content_type, params, lines, depth)
        if "subParts" in given:
            raise InvalidProperty(f"{content_type} has no parts in it")
        return self._leaf(given, content_type, params, lines)

    def _fields(self, given: dict[str, Any]) -> list[HeaderLine]:
        """The fields that are given by their names."""
        lines: list[HeaderLine] = []
        taken = {_FIELDS_OF[name] for name in given if name in _FIELDS_OF}
        if "name" in given:
            taken.add("content-disposition" if "disposition" in given else "content-type")
        for name, value in given.items():
            if name in _PROPERTIES:
                continue
            wanted = parse_header_property(name)
            if wanted is None:
                raise InvalidProperty(f"{name} is no property of a part to create")
            key = wanted.field.lower()
            if key == "content-transfer-encoding":
                raise InvalidProperty("the transfer encoding is not the client's to choose")
            if key in taken:
                raise InvalidProperty(f"{name} is given by another property, too")
            taken.add(key)
            lines += write_fields(wanted, value)
        return lines

    def _multipart(
        self,
        where: str,
        given: dict[str, Any],
        content_type: str,
        params: list[tuple[str, str]],
        lines: list[HeaderLine],
        depth: int,
    ) -> Node:
        if "partId" in given or "blobId" in given:
            raise InvalidProperty("a multipart has no content of its own")
        sub_parts = given.get("subParts", [])
        if not isinstance(sub_parts, list):
            raise InvalidProperty("subParts is not a list")
        children = tuple(self.node(where, part, set(), depth + 1) for part in sub_parts)
        kept = tuple((name, value) for name, value in params if name != "boundary")
        headers = (*lines, *_described(given))
        return Multipart(content_type.partition("/")[2], children, headers, kept)

    def _leaf(
        self,
        given: dict[str, Any],
        content_type: str,
        params: list[tuple[str, str]],
        lines: list[HeaderLine],
    ) -> Node:
        is_text = content_type.startswith("text/")
        if ("partId" in given) == ("blobId" in given):
            raise InvalidProperty("a part has either a partId or a blobId")
        if "partId" in given:
            content = self._typed(given)
            params = [param for param in params if param[0] != "charset"]
            if is_text:
                params.insert(0, ("charset", "us-ascii" if content.isascii() else "utf-8"))
        else:
            # `referenced_blobs` has seen to it that all are there.
            content = self._blobs[_string(given, "blobId")].data
            # Byte for byte, whatever its line ends are.
            is_text = False
        if "name" in given and "disposition" not in given:
            params.append(("name", _string(given, "name")))
        is_message = content_type in ("message/rfc822", "message/global")
        if is_message:
            content = _LINE_END_BYTES.sub(b"\r\n", content)
        kind = HeaderLine("Content-Type", "; ".join([content_type, *_written(params)]))
        return Leaf((kind, *lines, *_described(given)), content, is_text, is_message)

    def _typed(self, given: dict[str, Any]) -> bytes:
        """What a client has written itself."""
        for name in ("charset", "size"):
            if name in given:
                raise InvalidProperty(f"{name} cannot be given beside a partId")
        part_id = _string(given, "partId")
        if part_id not in self._values.texts:
            raise InvalidProperty(f"there is no {part_id} in bodyValues")
        return _LINE_END.sub("\r\n", self._values.texts[part_id]).encode("utf-8", "replace")


def _string(given: dict[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str):
        raise InvalidProperty(f"{name} is not a string")
    return value


def _take(lines: list[HeaderLine], key: str) -> str | None:
    """The value of a field, which is taken out of the lines."""
    for place, line in enumerate(lines):
        if line.name.lower() == key:
            del lines[place]
            return line.value
    return None


def _content_type(given: dict[str, Any], stated: str | None) -> tuple[str, list[tuple[str, str]]]:
    """Type and parameters, out of the properties or of a field as it is written."""
    if stated is not None:
        parsed = parse_content_type(stated.encode("utf-8", "replace"))
        if parsed is None:
            raise InvalidProperty("the Content-Type makes no sense")
        return f"{parsed[0]}/{parsed[1]}", list(parsed[2])
    content_type = "text/plain" if "type" not in given else _string(given, "type").lower()
    if not _TYPE.fullmatch(content_type):
        raise InvalidProperty(f"{content_type!r} is no media type")
    params = []
    if "charset" in given and "blobId" in given:
        charset = _string(given, "charset")
        if not _TOKEN.fullmatch(charset):
            raise InvalidProperty(f"{charset!r} is no charset")
        params.append(("charset", charset))
    return content_type, params


def _written(params: list[tuple[str, str]]) -> list[str]:
    written = []
    for name, value in params:
        is_plain = _TOKEN.fullmatch(value) is not None
        written += [f"{name}={value}"] if is_plain else encode_parameter(name, value)
    return written


def _described(given: dict[str, Any]) -> list[HeaderLine]:
    """The fields of disposition, cid, language and location."""
    lines = []
    if "disposition" in given:
        disposition = _string(given, "disposition").lower()
        if not _TOKEN.fullmatch(disposition):
            raise InvalidProperty(f"{disposition!r} is no disposition")
        params = encode_parameter("filename", _string(given, "name")) if "name" in given else []
        lines.append(HeaderLine("Content-Disposition", "; ".join([disposition, *params])))
    if "cid" in given:
        cid = _string(given, "cid")
        if not cid or _NOT_IN_BRACKETS.search(cid):
            raise InvalidProperty(f"{cid!r} is no Content-ID")
        lines.append(HeaderLine("Content-ID", f"<{cid}>"))
    if "language" in given:
        languages = given["language"]
        if not isinstance(languages, list) or not all(
            isinstance(tag, str) and _LANGUAGE.fullmatch(tag) for tag in languages
        ):
            raise InvalidProperty("language is not a list of language tags")
        lines.append(HeaderLine("Content-Language", ", ".join(languages)))
    if "location" in given:
        location = _string(given, "location")
        if _NOT_IN_BRACKETS.search(location):
            raise InvalidProperty("location is no URI")
        lines.append(HeaderLine("Content-Location", location))
    return lines
