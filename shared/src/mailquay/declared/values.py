"""The kinds of values that a document has, each brought to the form that is compared.

No I/O here.
"""

import re
from typing import Annotated, Any, Final

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from mailquay.declared.sizes import parse_size
from mailquay.identity.addresses import normalise_address, normalise_domain
from mailquay.identity.scram import ScramError, ScramSecret

__all__ = [
    "Address", "Count", "DomainName", "Name", "PasswordHash", "Port", "Quota", "RecipientDomain",
    "ScramKeys", "Separator", "Size",
]  # fmt: skip

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SIZE_SCHEMA: Final = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}],
    "examples": ["2 GiB", "500M", 1048576],
}
_COUNT_MAX: Final = 2**31 - 1


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name has lower-case letters, digits and hyphens, 63 at most")
    return text


def _size(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a size is a number of bytes, or such as 500M or 2 GiB")
    return parse_size(str(value))


def _quota(value: Any) -> Any:
    """0 is no limit, None the default: as they are stored."""
    if value == "default":
        return None
    return 0 if value == "none" else _size(value)


def _recipient_domain(text: str) -> str:
    if text == "*":
        return text
    below = text.startswith("*.")
    return ("*." if below else "") + normalise_domain(text[2:] if below else text)


def _separator(text: str) -> str:
    if len(text) > 1 or text.isalnum() or text in ("@", '"', " ") or not text.isprintable():
        raise ValueError("a separator is one sign such as + or -, or empty for none")
    return text


def _password_hash(text: str) -> str:
    try:
        extract_parameters(text)
    except InvalidHashError:
        raise ValueError("that is no Argon2 hash ($argon2id$v=19$…)") from None
    return text


def _scram(text: str) -> str:
    try:
        ScramSecret.parse(text)
    except ScramError:
        raise ValueError("that is not SCRAM-SHA-256$i:salt$StoredKey:ServerKey") from None
    return text


def _count(value: int) -> int:
    if not 0 <= value <= _COUNT_MAX:
        raise ValueError(f"is not between 0 and {_COUNT_MAX}")
    return value


def _port(value: int) -> int:
    if not 0 < value < 65536:
        raise ValueError("a port is between 1 and 65535")
    return value


Name = Annotated[str, AfterValidator(_name)]
DomainName = Annotated[str, AfterValidator(normalise_domain)]
Address = Annotated[str, AfterValidator(normalise_address)]
RecipientDomain = Annotated[str, AfterValidator(_recipient_domain)]
Separator = Annotated[str, AfterValidator(_separator)]
PasswordHash = Annotated[str, AfterValidator(_password_hash)]
ScramKeys = Annotated[str, AfterValidator(_scram)]
Count = Annotated[int, AfterValidator(_count)]
Port = Annotated[int, AfterValidator(_port)]
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema(_SIZE_SCHEMA)]
Quota = Annotated[int | None, BeforeValidator(_quota), WithJsonSchema(_SIZE_SCHEMA)]
