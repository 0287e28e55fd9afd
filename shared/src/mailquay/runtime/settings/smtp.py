"""Mail that comes and goes: MX, submission, the queue, and what is delivered here."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from mailquay.runtime.settings.values import KIB, MIB, Group, Port

__all__ = ["DeliverySettings", "SmtpInSettings", "SmtpOutSettings"]


class SmtpInSettings(Group):
    """MX, submission and LMTP."""

    mx_port: Port | None = Field(25, description="SMTP from other servers (RFC 5321).")
    submission_port: Port | None = Field(587, description="Submission with STARTTLS (RFC 6409).")
    submissions_port: Port | None = Field(465, description="Submission over TLS (RFC 8314).")
    lmtp_port: Port | None = Field(None, description="LMTP for a trusted front server (RFC 2033).")
    max_message_bytes: int = Field(50 * MIB, ge=64 * KIB, description="SIZE (RFC 1870).")
    max_header_bytes: int = Field(
        MIB, ge=64 * KIB, description="A message whose header is larger is refused."
    )
    max_recipients: int = Field(1000, ge=100, description="Recipients a message; 100 at least.")
    max_hops: int = Field(50, ge=10, description="More Received fields than this are a loop.")
    max_errors: int = Field(
        20,
        ge=1,
        description="Errors after which a client is cut off; a message that is taken forgives "
        "them, a recipient that is taken one of them.",
    )
    command_timeout_seconds: float = Field(
        300, gt=0, description="A client that says nothing for so long is cut off."
    )
    data_timeout_seconds: float = Field(
        1800, gt=0, description="A message that takes longer to arrive is cut off."
    )
    duplicate_window_seconds: int = Field(
        86400,
        ge=0,
        description="A sender that repeats a message within this is acknowledged without storing "
        "it again; 0 stores it again.",
    )
    recipient_cache_seconds: float = Field(
        5, ge=0, description="How long a recipient's resolution is believed without asking again."
    )
    allow_plaintext_auth: bool = Field(
        False, description="Offer AUTH without TLS. Only for loopback and tests."
    )
    require_own_from: bool = Field(
        True,
        description="Refuse a submission whose From names anyone but who has signed in, unless "
        "Sender, Resent-From or Resent-Sender does.",
    )


class SmtpOutSettings(Group):
    """The outbound queue."""

    port: int = Field(25, ge=1, le=65535, description="The port of other people's MX.")
    helo_name: str | None = Field(None, description="EHLO's name; none: the host name.")
    tls: Literal["opportunistic", "required", "off"] = Field(
        "opportunistic", description="TLS towards an MX."
    )
    smarthost: str | None = Field(
        None, description="`host:port` that all outbound mail is handed to instead of the MX."
    )
    smarthost_tls: Literal["opportunistic", "required", "off"] = Field(
        "required", description="TLS towards the smarthost; `required` also checks its name."
    )
    smarthost_username: str | None = Field(None, description="For AUTH at the smarthost.")
    smarthost_password: SecretStr | None = Field(None, description="For AUTH at the smarthost.")
    smarthost_ca_file: Path | None = Field(
        None, description="PEM roots that a smarthost's or relay's certificate may rest on, too."
    )
    relay_cache_seconds: float = Field(
        5, ge=0, description="How long the relays are believed without being told of a change."
    )
    concurrency: int = Field(50, ge=1, le=1000, description="Deliveries at once in a process.")
    per_destination_concurrency: int = Field(
        10, ge=1, description="Deliveries at once to one domain from a process."
    )
    destination_rest_seconds: float = Field(
        30, ge=0, description="A domain none of whose hosts can be reached is left for so long."
    )
    messages_per_connection: int = Field(
        100, ge=1, description="Messages that follow one another on one connection at most."
    )
    recipients_per_message: int = Field(
        100,
        ge=1,
        description="Recipients in one transaction at most; RFC 5321 §4.5.3.1.8 grants 100.",
    )
    memory_bytes: int = Field(
        128 * MIB,
        ge=MIB,
        description="Messages that are being sent hold about this much memory at most; one that is "
        "larger goes alone.",
    )
    connect_timeout_seconds: float = Field(30, gt=0, description="For a TCP connection.")
    command_timeout_seconds: float = Field(300, gt=0, description="For any reply.")
    transaction_timeout_seconds: float = Field(
        3600, gt=0, description="For one message to one host, however slowly it takes it."
    )
    lease_seconds: float = Field(
        900, ge=5, description="A dead worker's messages are taken over after this."
    )
    poll_seconds: float = Field(
        15, gt=0, description="How often the queue is looked at without being woken."
    )
    retry_steps_seconds: tuple[int, ...] = Field(
        (300, 900, 1800, 3600, 7200, 14400),
        min_length=1,
        description="The waits between attempts; the last one repeats.",
    )
    max_age_seconds: int = Field(
        5 * 86400, ge=60, description="A message older than this is returned (RFC 5321 §4.5.4.1)."
    )
    delay_notice_seconds: int | None = Field(
        4 * 3600, ge=60, description="When the sender is told of a delay; none: never."
    )
    keep_finished_seconds: int = Field(
        86400, ge=0, description="How long finished messages stay listed in the queue."
    )

    @field_validator("smarthost")
    @classmethod
    def _check_smarthost(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError("is not `host:port`")
        return value

    @model_validator(mode="after")
    def _check_password_needs_tls(self) -> "SmtpOutSettings":
        if self.smarthost_username is not None and self.smarthost_tls == "off":
            raise ValueError("a password for the smarthost needs smarthost_tls")
        return self


class DeliverySettings(Group):
    """Putting messages into mailboxes."""

    concurrent_batches: int = Field(
        4, ge=1, le=16, description="Batches that a process commits at once, at most."
    )
    gather_seconds: float = Field(
        0.025,
        ge=0,
        le=1,
        description="How long messages gather for the next batch while one is under way, before "
        "that begins beside it. A full batch does not wait, and nothing waits when none is.",
    )
    batch_max_messages: int = Field(256, ge=1, le=4096, description="Messages a batch.")
    batch_max_bytes: int = Field(8 * MIB, ge=MIB, description="Bytes a batch, before compression.")
    default_quota_bytes: int = Field(
        0, ge=0, description="An account's quota where neither it nor a policy has one; 0: none."
    )
