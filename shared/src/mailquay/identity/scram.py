"""SCRAM-SHA-256 on the server's side (RFC 5802, RFC 7677). Pure: the nonce is handed in."""

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ScramError",
    "ScramSecret",
    "client_first",
    "make_secret",
    "saslprep",
    "server_final",
    "server_first",
]


class ScramError(Exception):
    """The client's message is none, or its proof is wrong."""


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What is stored of a password; from it the password cannot be had."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

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
            if scheme != "SCRAM-SHA-256":
                raise ScramError(f"scheme {scheme} is not known")
            return cls(int(iterations), *(base64.b64decode(x) for x in (salt, stored, server)))
        except (ValueError, binascii.Error) as error:
            raise ScramError("the stored secret is broken") from error


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


_GS2_NO_BINDING: Final = (b"n,", b"y,")


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """The client's first message."""

    gs2_header: bytes
    bare: bytes
    username: str
    nonce: str


def client_first(message: bytes) -> ClientFirst:
    """Read ``n,,n=user,r=nonce`` (RFC 5802 §7).

    Raises:
        ScramError: it is none, or wants a channel binding.
    """
    if not message.startswith(_GS2_NO_BINDING):
        raise ScramError("channel binding is not offered")
    try:
        _, authzid, bare = message.split(b",", 2)
        fields = _fields(bare)
    except ValueError as error:
        raise ScramError("malformed client-first-message") from error
    if "m" in fields or "n" not in fields or not fields.get("r"):
        raise ScramError("malformed client-first-message")
    username = fields["n"].replace("=2C", ",").replace("=3D", "=")
    if authzid and authzid[2:].decode("utf-8", "replace") not in ("", fields["n"]):
        raise ScramError("acting for others is not offered")
    header = message[: len(message) - len(bare)]
    return ClientFirst(header, bare, saslprep(username), fields["r"])


def _fields(message: bytes) -> dict[str, str]:
    try:
        pairs = [tuple(pair.split("=", 1)) for pair in message.decode().split(",")]
        return dict(pairs)  # type: ignore[arg-type]  # a single one is a ValueError
    except (UnicodeDecodeError, ValueError) as error:
        raise ScramError("malformed message") from error


def server_first(client: ClientFirst, secret: ScramSecret, nonce: str) -> bytes:
    """``r=…,s=…,i=…``."""
    salt = base64.b64encode(secret.salt).decode()
    return f"r={client.nonce}{nonce},s={salt},i={secret.iterations}".encode()


def server_final(client: ClientFirst, secret: ScramSecret, first: bytes, final: bytes) -> bytes:
    """Check the client's proof; return ``v=…``, which proves us to the client.

    Raises:
        ScramError: the proof is wrong.
    """
    without_proof, separator, proof_text = final.rpartition(b",p=")
    fields = _fields(without_proof) if separator else {}
    nonce = _fields(first)["r"]
    binding = base64.b64encode(client.gs2_header).decode()
    if fields.get("r") != nonce or fields.get("c") != binding:
        raise ScramError("malformed client-final-message")
    try:
        proof = base64.b64decode(proof_text, validate=True)
    except binascii.Error as error:
        raise ScramError("malformed proof") from error
    message = client.bare + b"," + first + b"," + without_proof
    signature = hmac.digest(secret.stored_key, message, "sha256")
    if len(proof) != len(signature):
        raise ScramError("malformed proof")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.sha256(client_key).digest(), secret.stored_key):
        raise ScramError("the proof is wrong")
    return b"v=" + base64.b64encode(hmac.digest(secret.server_key, message, "sha256"))
