"""Delivery status notifications (RFC 3464), and whom they are due (RFC 3461 §5.2). No I/O here."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from mailquay.message.dates import format_date

__all__ = [
    "DsnAction",
    "DsnMessage",
    "DsnRecipient",
    "build_dsn",
    "decode_xtext",
    "encode_xtext",
    "is_wanted",
]

#: A returned message larger than this is cut down to its header, so that a bounce stays small.
RETURN_MAX_BYTES: Final = 50 * 1024


class DsnAction(StrEnum):
    """What a report says of a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"

    @property
    def is_success(self) -> bool:
        """Whether it is only told to who has asked for it (RFC 3461 §4.1: SUCCESS)."""
        return self not in (DsnAction.FAILED, DsnAction.DELAYED)


@dataclass(frozen=True, slots=True)
class DsnRecipient:
    """One recipient's fate."""

    address: str
    action: DsnAction
    status: str
    diagnostic: str
    remote_mta: str | None = None
    #: ``remote_mta`` has said nothing of it: the diagnostic is what we found out.
    is_local: bool = False
    original_recipient: str | None = None
    last_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DsnMessage:
    """The message that is reported on."""

    reverse_path: str
    envelope_id: str | None
    ret: str | None
    arrived_at: datetime
    expires_at: datetime
    raw: bytes
    header_length: int


_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_NO_XTEXT: Final = re.compile(rb"[^!-*,-<>-~]")

_SUBJECT = {
    DsnAction.FAILED: "Undelivered mail returned to sender",
    DsnAction.DELAYED: "Delivery of your mail is delayed",
    DsnAction.DELIVERED: "Your mail was delivered",
    DsnAction.RELAYED: "Your mail was relayed to its destination",
    DsnAction.EXPANDED: "Your mail was delivered to a list",
}

_EXPLANATION = {
    DsnAction.FAILED: (
        "Your message could not be delivered to the recipients below. No further attempt will be "
        "made."
    ),
    DsnAction.DELAYED: (
        "Your message could not be delivered to the recipients below yet. You need not send it "
        "again: it will be tried until {expires}."
    ),
    DsnAction.DELIVERED: "Your message lies in the recipients' mailboxes.",
    DsnAction.EXPANDED: (
        "Your message was handed to everyone that the recipients below stand for. What becomes of "
        "it there is not reported."
    ),
    DsnAction.RELAYED: (
        "Your message was handed to the recipients' mail servers, which send no confirmations of "
        "their own."
    ),
}


def is_wanted(action: DsnAction, notify: str | None, reverse_path: str) -> bool:
    """Whether a report of this kind is due (RFC 3461 §4.1); the null reverse-path gets none."""
    if not reverse_path:
        return False
    if notify is None:
        return not action.is_success
    word = {DsnAction.FAILED: "FAILURE", DsnAction.DELAYED: "DELAY"}.get(action, "SUCCESS")
    return word in notify.upper().split(",")


def build_dsn(
    message: DsnMessage,
    recipients: list[DsnRecipient],
    *,
    reporting_mta: str,
    message_id: str,
    boundary: str,
    now: datetime,
) -> bytes:
    """Build the report as a whole message: multipart/report of three parts (RFC 6522, RFC 3464).

    All ``recipients`` share one action. ``message_id`` comes without its angle brackets.
    """
    action = recipients[0].action
    utf8 = any(not r.address.isascii() for r in recipients) or not message.reverse_path.isascii()
    returned = _returned_part(message, is_failure=action is DsnAction.FAILED, utf8=utf8)
    text = _text(message, recipients, action, reporting_mta)
    text_encoding = "7bit" if all(line.isascii() for line in text) else "8bit"
    eightbit = "8bit" if utf8 or not returned.isascii() or text_encoding == "8bit" else "7bit"
    head = [
        f"Date: {format_date(now)}",
        f"From: Mail Delivery System <MAILER-DAEMON@{reporting_mta}>",
        f"To: <{message.reverse_path}>",
        f"Subject: {_SUBJECT[action]}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
        f"Content-Transfer-Encoding: {eightbit}",
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Transfer-Encoding: {text_encoding}",
        "",
        *text,
        "",
        f"--{boundary}",
        f"Content-Type: message/{'global-' if utf8 else ''}delivery-status",
        *([f"Content-Transfer-Encoding: {eightbit}"] if utf8 else []),
        "",
        *_status_fields(message, recipients, reporting_mta, utf8=utf8),
        f"--{boundary}",
        "",
    ]
    return b"".join(["\r\n".join(head).encode(), returned, f"\r\n--{boundary}--\r\n".encode()])


def _text(
    message: DsnMessage, recipients: list[DsnRecipient], action: DsnAction, reporting_mta: str
) -> list[str]:
    explanation = _EXPLANATION[action].format(expires=format_date(message.expires_at))
    lines = [f"This is the mail system at {reporting_mta}.", "", *_wrap(explanation)]
    for recipient in recipients:
        lines += ["", f"<{recipient.address}>:"]
        lines += [f"    {line}" for line in _wrap(_one_line(recipient.diagnostic))]
        if recipient.remote_mta:
            word = "with" if recipient.is_local else "said"
            lines.append(f"    ({word} {recipient.remote_mta})")
    return lines


def _status_fields(
    message: DsnMessage, recipients: list[DsnRecipient], reporting_mta: str, *, utf8: bool
) -> list[str]:
    """The fields of RFC 3464 §2.2 and §2.3, each group ended by a blank line."""
    lines = [f"Reporting-MTA: dns; {reporting_mta}"]
    if message.envelope_id:
        lines.append(f"Original-Envelope-Id: {_one_line(decode_xtext(message.envelope_id))}")
    lines += [f"Arrival-Date: {format_date(message.arrived_at)}", ""]
    for recipient in recipients:
        address_type = "utf-8" if utf8 and not recipient.address.isascii() else "rfc822"
        if recipient.original_recipient:
            original = _one_line(decode_xtext(recipient.original_recipient))
            lines.append(f"Original-Recipient: {original}")
        lines += [
            f"Final-Recipient: {address_type}; {recipient.address}",
            f"Action: {recipient.action}",
            f"Status: {recipient.status}",
        ]
        if recipient.remote_mta:
            lines.append(f"Remote-MTA: dns; {recipient.remote_mta}")
        if not recipient.action.is_success:
            kind = "x-mailquay" if recipient.is_local else "smtp"
            diagnostic = _one_line(recipient.diagnostic)
            if not utf8:
                diagnostic = diagnostic.encode("ascii", "replace").decode()
            lines += _folded(f"Diagnostic-Code: {kind}; {diagnostic}")
        if recipient.last_attempt_at is not None:
            lines.append(f"Last-Attempt-Date: {format_date(recipient.last_attempt_at)}")
        if recipient.action is DsnAction.DELAYED:
            lines.append(f"Will-Retry-Until: {format_date(message.expires_at)}")
        lines.append("")
    return lines


def _returned_part(message: DsnMessage, *, is_failure: bool, utf8: bool) -> bytes:
    """The message itself, or its header only: by RET (RFC 3461 §4.3), or when it is large.

    What has not failed comes back as its header, whatever RET says.

    An internationalised header has types of its own (RFC 6533 §4, §5).
    """
    whole = is_failure and message.ret != "HDRS" and len(message.raw) <= RETURN_MAX_BYTES
    content = message.raw if whole else message.raw[: message.header_length]
    if utf8 and not message.raw[: message.header_length].isascii():
        kind = "message/global" if whole else "message/global-headers"
    else:
        kind = "message/rfc822" if whole else "text/rfc822-headers"
    encoding = "8bit" if not content.isascii() else "7bit"
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + content


def decode_xtext(text: str) -> str:
    """What an ENVID or ORCPT stands for: ``+`` and two hex digits are an octet (RFC 3461 §4)."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)


def encode_xtext(text: str) -> str:
    """Text as ENVID and ORCPT take it (RFC 3461 §4)."""
    octets = _NO_XTEXT.sub(lambda match: b"+%02X" % match[0][0], text.encode())
    return octets.decode("ascii")


def _one_line(text: str) -> str:
    """A peer's words, safe in a header field: no line ends, no controls."""
    return "".join(c if c.isprintable() else " " for c in text)[:900].strip()


def _wrap(text: str, width: int = 74) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _folded(field: str) -> list[str]:
    first, *rest = _wrap(field)
    return [first, *(f"    {line}" for line in rest)]
