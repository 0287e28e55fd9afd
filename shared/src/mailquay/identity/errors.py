"""What signing in may raise.

::

    AuthError
        AuthenticationFailed   name or password are wrong, or the account is disabled
        Throttled              too many failures, from there or to that account
        Unavailable            the accounts cannot be read now
"""

__all__ = ["AuthError", "AuthenticationFailed", "Throttled", "Unavailable"]


class AuthError(Exception):
    """Signing in did not succeed."""


class AuthenticationFailed(AuthError):
    """Name or password are wrong, or the account is disabled; which of them is not told."""


class Throttled(AuthError):
    """Too many failures; ``retry_after`` seconds are to pass."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many failed sign-ins, try again later")
        self.retry_after = retry_after


class Unavailable(AuthError):
    """The accounts cannot be read now."""
