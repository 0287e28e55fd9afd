"""The Envelope of a submission: given by the client, or made of the message (RFC 8621 §7)."""

from dataclasses import dataclass
from typing import Any

from mailquay.identity import AddressError, envelope_address, normalise_address
from mailquay.message.addresses import Address, flatten
from mailquay.message.message import ScannedMessage
from mailquay_webmail_api.jmap.core.errors import SetError

__all__ = ["Envelope", "envelope_of", "read_envelope", "sender_of"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Reverse-path and recipients, each once."""

    mail_from: str
    rcpt_to: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """RFC 8621's Envelope object."""
        return {
            "mailFrom": {"email": self.mail_from, "parameters": None},
            "rcptTo": [{"email": address, "parameters": None} for address in self.rcpt_to],
        }


def read_envelope(value: object) -> Envelope | None:
    """Read the client's ``envelope``; None when it leaves that to us.

    Raises:
        SetError: invalidProperties or invalidRecipients.
    """
    if value is None:
        return None
    match value:
        case {"mailFrom": dict(mail_from), "rcptTo": list(rcpt_to), **rest} if not rest:
            pass
        case _:
            raise SetError.invalid_properties("envelope is not {mailFrom, rcptTo}", "envelope")
    address = _read_address(mail_from)
    try:
        # The null reverse-path asks for no bounces (RFC 5321 §4.5.5).
        reverse_path = envelope_address(address) if address else ""
    except AddressError as error:
        raise SetError.invalid_properties(f"mailFrom: {error}", "envelope") from None
    return Envelope(reverse_path, _recipients([_read_address(item) for item in rcpt_to]))


def _read_address(value: object) -> str:
    """An Address object; no parameter of ESMTP is taken yet."""
    match value:
        case {"email": str(email), **rest} if rest.keys() <= {"parameters"}:
            if rest.get("parameters"):
                raise SetError.invalid_properties("no parameters are taken", "envelope")
            return email
    raise SetError.invalid_properties("envelope holds what is no address", "envelope")


def sender_of(message: ScannedMessage) -> str:
    """Who has sent it: the first of Sender or, without it, of From.

    Raises:
        SetError: invalidEmail, there is nobody in From; forbiddenFrom, it is no address.
    """
    if not flatten(message.envelope.from_):
        raise SetError("invalidEmail", "the message is from nobody", properties=["from"])
    try:
        return envelope_address(flatten(message.envelope.sender)[0].addr_spec)
    except (AddressError, IndexError) as error:
        raise SetError("forbiddenFrom", str(error) or "Sender names nobody") from None


def envelope_of(message: ScannedMessage, sender: str) -> Envelope:
    """The envelope that a message's own fields make (RFC 8621 §7).

    Raises:
        SetError: invalidRecipients.
    """
    fields = (message.envelope.to, message.envelope.cc, message.envelope.bcc)
    found: list[Address] = [address for field in fields for address in flatten(field)]
    return Envelope(sender, _recipients([address.addr_spec for address in found]))


def _recipients(addresses: list[str]) -> tuple[str, ...]:
    """Each recipient once, as it was written first."""
    found: dict[str, str] = {}
    wrong = []
    for address in addresses:
        try:
            found.setdefault(normalise_address(address), envelope_address(address))
        except AddressError:
            wrong.append(address)
    if wrong:
        raise SetError(
            "invalidRecipients", "some recipients are no addresses", invalidRecipients=wrong
        )
    return tuple(found.values())
