"""SCRAM-SHA-256 on the server's side (RFC 5802, RFC 7677). Pure: the nonce is handed in."""

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "ClientFirst",
    "ScramError",
    "ScramSecret",
    "client_first",
    "make_secret",
    "saslprep",
    "server_final",
    "server_first",
]

#: gs2-header and client-first-message-bare (RFC 5802 §7); extensions that are not mandatory are
#: passed over.
_CLIENT_FIRST: Final = re.compile(
    rb"((?P<binding>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?P<authzid>[^,\0]+))?,)"
    rb"(?P<bare>n=(?P<username>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
#: client-final-message (RFC 5802 §7): what is signed, and the proof.
_CLIENT_FINAL: Final = re.compile(
    rb"(?P<signed>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)
#: saslname: a comma and an equals sign are written so, and no other way.
_ESCAPE: Final = re.compile(r"=(2C|3D)?")


class ScramError(Exception):
    """The client's message is none, or its proof is wrong."""


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What is stored of a password; from it the password cannot be had."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    def render(self) -> str:
        """RFC 5803's form."""
        salt, stored, server = (
            base64.b64encode(x).decode() for x in (self.salt, self.stored_key, self.server_key)
        )
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored}:{server}"

    @classmethod
    def parse(cls, text: str) -> "ScramSecret":
        """Read RFC 5803's form.

        Raises:
            ScramError: it is none.
        """
        try:
            scheme, parameters, keys = text.split("$")
            iterations, salt = parameters.split(":")
            stored, server = keys.split(":")
            values = [base64.b64decode(x, validate=True) for x in (salt, stored, server)]
            secret = cls(int(iterations), *values)
        except (ValueError, binascii.Error) as error:
            raise ScramError("the stored secret is broken") from error
        if scheme != "SCRAM-SHA-256" or {len(x) for x in values[1:]} != {32}:
            raise ScramError(f"the stored secret is none of SCRAM-SHA-256: {scheme[:20]}")
        return secret


def saslprep(text: str) -> str:
    """Prepare a name or password (RFC 4013); what is prohibited is left as it is.

    A password that was set with any bytes must still be able to sign in.
    """
    if text.isascii():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c)
    )
    return unicodedata.normalize("NFKC", mapped)


def make_secret(password: str, salt: bytes, iterations: int) -> ScramSecret:
    """Derive what is stored; slow on purpose."""
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return ScramSecret(iterations, salt, hashlib.sha256(client_key).digest(), server_key)


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """The client's first message; ``authzid`` is empty when it acts for itself.

    ``binding`` is the type of the channel binding that it wants, or empty; ``is_able_to_bind``
    says that it could and thinks that we cannot (``y``).
    """

    gs2_header: bytes
    binding: str
    is_able_to_bind: bool
    bare: bytes
    authzid: str
    username: str
    nonce: str


def client_first(message: bytes) -> ClientFirst:
    """Read ``n,,n=user,r=nonce`` (RFC 5802 §7).

    Raises:
        ScramError: it is none.
    """
    match = _CLIENT_FIRST.fullmatch(message)
    if match is None:
        raise ScramError("malformed client-first-message")
    binding = match["binding"].decode()
    return ClientFirst(
        match[1],
        binding[2:],
        binding == "y",
        match["bare"],
        _saslname(match["authzid"] or b""),
        _saslname(match["username"]),
        match["nonce"].decode(),
    )


def _saslname(value: bytes) -> str:
    def unescape(match: re.Match[str]) -> str:
        if match[1] is None:
            raise ScramError("malformed name")
        return "," if match[1] == "2C" else "="

    try:
        return saslprep(_ESCAPE.sub(unescape, value.decode()))
    except UnicodeDecodeError as error:
        raise ScramError("the name is not UTF-8") from error


def server_first(client: ClientFirst, secret: ScramSecret, nonce: str) -> bytes:
    """``r=…,s=…,i=…``; ``nonce`` is the server's part of it."""
    salt = base64.b64encode(secret.salt).decode()
    return f"r={client.nonce}{nonce},s={salt},i={secret.iterations}".encode()


def server_final(
    client: ClientFirst, secret: ScramSecret, first: bytes, final: bytes, *, bound: bytes = b""
) -> bytes:
    """Check the client's proof; return ``v=…``, which proves us to the client.

    Args:
        client: its first message.
        secret: what is stored of its password.
        first: our answer to that.
        final: the client's second message.
        bound: the channel binding's data; empty without one.

    Raises:
        ScramError: the proof is wrong.
    """
    match = _CLIENT_FINAL.fullmatch(final)
    if match is None:
        raise ScramError("malformed client-final-message")
    nonce = first.partition(b",")[0].removeprefix(b"r=")
    if match["nonce"] != nonce or match["binding"] != base64.b64encode(client.gs2_header + bound):
        raise ScramError("nonce or channel binding is not what it was")
    try:
        proof = base64.b64decode(match["proof"], validate=True)
    except binascii.Error as error:
        raise ScramError("malformed proof") from error
    message = client.bare + b"," + first + b"," + match["signed"]
    signature = hmac.digest(secret.stored_key, message, "sha256")
    if len(proof) != len(signature):
        raise ScramError("malformed proof")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.sha256(client_key).digest(), secret.stored_key):
        raise ScramError("the proof is wrong")
    return b"v=" + base64.b64encode(hmac.digest(secret.server_key, message, "sha256"))
