"""What can go wrong in a probe's step, as a sentence: the only place where errors become one."""

import http.client
import imaplib
import poplib
import smtplib
import ssl
from typing import Final

__all__ = ["FAILURES", "ProbeFailed", "describe"]


class ProbeFailed(Exception):
    """A server does not do as it should; the message says what, in its own words where it spoke."""


#: What the clients of a step raise.
FAILURES: Final = (
    ProbeFailed,
    OSError,  # `ssl.SSLError` and time-outs among them
    smtplib.SMTPException,
    imaplib.IMAP4.error,
    poplib.error_proto,
    http.client.HTTPException,
    ValueError,  # JSON that is none
)


def describe(error: Exception) -> str:
    """What went wrong, on one line."""
    match error:
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            told = f"answers {code} {_text(text)}"
        case ssl.SSLCertVerificationError():
            told = (
                f"the certificate is not trusted: {error.verify_message}; give its authority by "
                "--ca-file and its name by --tls-name, or --insecure"
            )
        case ssl.SSLError():
            told = f"no TLS: {error.reason or error}"
        case TimeoutError():
            told = "does not answer in time"
        case OSError(strerror=str(reason)):
            told = reason
        case _:
            told = _text(error.args[0]) if error.args else type(error).__name__
    return " ".join(told.split())


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
