"""What mailboxes" owners use: IMAP, POP3, the webmail, and how they sign in."""

from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork, field_validator

from mailquay.runtime.settings.values import KIB, MIB, Group, Port

__all__ = ["IdentitySettings", "ImapSettings", "Pop3Settings", "WebSettings"]


class ImapSettings(Group):
    """IMAP4rev2 and IMAP4rev1."""

    port: Port | None = Field(143, description="IMAP with STARTTLS.")
    tls_port: Port | None = Field(993, description="IMAP over TLS (RFC 8314).")
    idle_timeout_seconds: float = Field(
        1860, ge=1, description="Autologout; RFC 9051 §5.4 asks for 30 minutes at least."
    )
    login_timeout_seconds: float = Field(
        120, ge=1, description="A client that has not signed in by then is cut off."
    )
    max_command_bytes: int = Field(
        MIB, ge=8192, description="One command with its literals, APPEND's message left out."
    )
    max_append_bytes: int = Field(50 * MIB, ge=64 * KIB, description="APPENDLIMIT (RFC 7889).")
    max_mailboxes: int = Field(20_000, ge=10, description="Mailboxes an account may make.")
    max_notified_mailboxes: int = Field(
        5000, ge=10, description="Mailboxes an account may have for a client to NOTIFY of them."
    )
    max_contexts: int = Field(
        16, ge=1, description="Searches of a session that are kept up to date (RFC 5267)."
    )
    max_keywords: int = Field(
        200, ge=30, description="Different keywords that the messages of one mailbox may have."
    )
    poll_seconds: float = Field(
        30, gt=0, description="How often an idling client's mailbox is looked at without an event."
    )
    progress_seconds: float = Field(
        15, gt=0, description="How often a client whose command takes long is told so (RFC 9585)."
    )
    hidden_capabilities: tuple[str, ...] = Field(
        (),
        description="Capabilities that are not offered, as clients stumble over them: `NAME`, or "
        "`imap:NAME` and `imaps:NAME` on that port alone.",
    )
    allow_plaintext_auth: bool = Field(
        False, description="Offer sign-in without TLS. Only for loopback and tests."
    )

    @field_validator("hidden_capabilities")
    @classmethod
    def _check_hidden(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            listener, colon, name = entry.rpartition(":")
            if not name or (colon and listener not in ("imap", "imaps")):
                raise ValueError(f"{entry!r} is none of NAME, imap:NAME and imaps:NAME")
            if name.upper() == "IMAP4REV1":
                raise ValueError("without IMAP4rev1 it is no IMAP server to most clients")
        return value

    def hidden_on(self, listener: str) -> frozenset[str]:
        """What is not offered on a port, ``imap`` or ``imaps``; upper case."""
        entries = [entry.rpartition(":") for entry in self.hidden_capabilities]
        return frozenset(name.upper() for on, _, name in entries if on in ("", listener))


class Pop3Settings(Group):
    """POP3."""

    port: Port | None = Field(110, description="POP3 with STLS.")
    tls_port: Port | None = Field(995, description="POP3 over TLS (RFC 8314).")
    idle_timeout_seconds: float = Field(
        600, ge=1, description="Autologout; RFC 1939 §3 asks for 10 minutes at least."
    )
    allow_plaintext_auth: bool = Field(
        False, description="Offer sign-in without TLS. Only for loopback and tests."
    )


class WebSettings(Group):
    """The webmail and its API."""

    port: Port | None = Field(8080, description="HTTP; TLS is the ingress' to add.")
    bind: str | None = Field(None, description="Its address; none: that of the mail ports.")
    public_url: str | None = Field(None, description="How browsers reach it, without a path.")
    static_folder: Path | None = Field(
        None, description="The built web application; none: the one in the package."
    )
    secure_cookies: bool = Field(True, description="Cookies over HTTPS only.")
    session_ttl_seconds: int = Field(
        14 * 86400, ge=300, description="How long a sign-in lasts without use."
    )
    max_upload_bytes: int = Field(50 * MIB, ge=MIB, description="One attachment.")
    max_uploads: int = Field(
        16, ge=1, description="Uploads at once on each process, each held in memory meanwhile."
    )
    max_downloads: int = Field(
        64, ge=1, description="Downloads of over 1 MiB at once on each process, likewise in memory."
    )
    max_requests: int = Field(
        512, ge=8, description="JMAP requests at once on each process, of all accounts together."
    )
    max_unused_upload_bytes: int = Field(
        1024 * MIB, ge=MIB, description="Uploads of an account that no message uses yet, in all."
    )
    max_event_streams: int = Field(
        32, ge=1, description="Push streams (EventSource) of one account on each process."
    )
    search_max_messages: int = Field(
        20_000,
        ge=100,
        description="The newest messages whose text a search looks into; of older ones the fields.",
    )
    poll_seconds: float = Field(
        30, gt=0, description="How often push looks for changes without an event."
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="How long a connection without a request is kept."
    )
    request_timeout_seconds: float = Field(
        60, gt=0, description="For a request to arrive whole, and for a client to take an answer."
    )
    upload_timeout_seconds: float = Field(600, gt=0, description="For an upload to arrive whole.")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks whose X-Forwarded-For and -Proto are believed."
    )


class IdentitySettings(Group):
    """Passwords and sign-in."""

    argon2_memory_kib: int = Field(19456, ge=8, description="Argon2id's memory.")
    argon2_time_cost: int = Field(2, ge=1, description="Argon2id's passes.")
    argon2_parallelism: int = Field(1, ge=1, description="Argon2id's lanes.")
    hash_threads: int = Field(2, ge=1, le=64, description="Passwords hashed at once.")
    scram_iterations: int = Field(
        10_000, ge=4096, description="PBKDF2 rounds of SCRAM-SHA-256 (RFC 7677 §4)."
    )
    scram_plus_in_tls13: bool = Field(
        False,
        description="Offer SCRAM-SHA-256-PLUS in TLS 1.3 too, bound by tls-server-end-point. "
        "Clients that want tls-exporter (RFC 9266) there cannot sign in by it: Python has none.",
    )
    certificate_name: Literal["rfc822Name", "emailAddress", "commonName"] = Field(
        "rfc822Name",
        description="Where a client's certificate names the account: the subject alternative name, "
        "or an attribute of the subject.",
    )
    credential_cache_seconds: float = Field(
        300, ge=0, description="How long a verified password is believed without hashing again."
    )
    recheck_seconds: float = Field(
        30,
        ge=0,
        description="How long a session that has signed in is believed without asking whether its "
        "account was changed; with the event bus it is told at once.",
    )
    failures_per_account: int = Field(
        20, ge=1, description="Failed sign-ins to one account within the window before a pause."
    )
    failures_per_address: int = Field(
        50, ge=1, description="Failed sign-ins from one address within the window before a pause."
    )
    failure_window_seconds: float = Field(600, gt=0, description="The window of both.")
