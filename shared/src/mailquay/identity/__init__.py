"""Who someone is: passwords, SASL, throttling, addresses."""

from mailquay.identity.addresses import AddressError, normalise_address
from mailquay.identity.authenticator import (
    AuthenticationFailed,
    Authenticator,
    AuthError,
    SaslExchange,
    Throttled,
    Unavailable,
)
from mailquay.identity.passwords import Credentials, PasswordHasher

__all__ = [
    "AddressError",
    "AuthError",
    "AuthenticationFailed",
    "Authenticator",
    "Credentials",
    "PasswordHasher",
    "SaslExchange",
    "Throttled",
    "Unavailable",
    "normalise_address",
]
