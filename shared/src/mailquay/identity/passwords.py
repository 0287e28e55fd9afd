"""Passwords: Argon2id for those that are sent, SCRAM's keys for those that are not."""

import os
import secrets
from dataclasses import dataclass
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from mailquay.identity.scram import make_secret, saslprep
from mailquay.runtime.settings import IdentitySettings

__all__ = ["Credentials", "PasswordHasher", "generate_password"]

#: Letters and digits that are not taken for one another, and no sign that a shell or an option
#: would take for its own.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#: Of 55 signs each: 92 bits.
_GENERATED_LENGTH: Final = 16


def generate_password() -> str:
    """A password that nobody guesses, and anybody can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_LENGTH))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is stored of a password."""

    password_hash: str
    scram_sha256: str

    def __repr__(self) -> str:
        return "Credentials(…)"


class PasswordHasher:
    """Slow on purpose: call it in a thread."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._iterations = settings.scram_iterations
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        #: What an unknown user's password is compared with, so that it takes as long.
        self.nobody = self._argon2.hash(os.urandom(16))

    def hash(self, password: str) -> Credentials:
        """Make what is stored."""
        secret = make_secret(password, os.urandom(16), self._iterations)
        return Credentials(self._argon2.hash(saslprep(password)), secret.render())

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether it is the password."""
        try:
            return self._argon2.verify(password_hash, saslprep(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
