"""Who someone is: passwords, SASL, throttling, addresses."""

from mailquay.identity.addresses import AddressError, envelope_address, normalise_address
from mailquay.identity.authenticator import Authenticator
from mailquay.identity.errors import AuthenticationFailed, AuthError, Throttled, Unavailable
from mailquay.identity.exchange import SaslExchange
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
    "envelope_address",
    "normalise_address",
]
