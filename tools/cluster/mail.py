"""Mail into a release, and what has come of it, by its load balancers."""

import email
import email.policy
import imaplib
import smtplib
import ssl
from email.message import EmailMessage
from typing import Final

from tools.cluster.release import Release

__all__ = ["ADMIN", "BALANCED", "deliver", "inbox"]

#: The account that every release begins with.
ADMIN: Final = "admin@mailquay.test"
#: The values with which clients outside the cluster are served.
BALANCED: Final = {"defaults": {"service": {"type": "LoadBalancer"}}}
_TIMEOUT_SECONDS: Final = 30


def deliver(release: Release, subject: str) -> None:
    """Hand a message for the administrator to the MX, as another server does."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "x@example.net", ADMIN, subject
    with smtplib.SMTP(release.address("smtp-in"), 25, timeout=_TIMEOUT_SECONDS) as mx:
        mx.send_message(message, "x@example.net", [ADMIN])


def inbox(release: Release) -> dict[str, EmailMessage]:
    """The administrator's messages, by their subjects."""
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    address = release.address("imap")
    with imaplib.IMAP4_SSL(address, ssl_context=unverified, timeout=_TIMEOUT_SECONDS) as imap:
        imap.login(ADMIN, release.admin_password())
        imap.select("INBOX", readonly=True)
        numbers = imap.search(None, "ALL")[1][0].split()
        found = [imap.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers]
    messages = [
        email.message_from_bytes(each[1], _class=EmailMessage, policy=email.policy.default)
        for each in found
        if isinstance(each, tuple)
    ]
    return {str(message["Subject"]): message for message in messages}
