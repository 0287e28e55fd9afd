"""The one settings tree of all services.

Values come from the environment (``MAILQUAY_IMAP__PORT=143``; two underscores between levels),
or from the TOML file that ``MAILQUAY_CONFIG`` names; the environment wins. A secret may stand in
a file instead: ``MAILQUAY_DATABASE__URL_FILE=/run/secrets/database-url``.

``docs/configuration.md`` is rendered from the descriptions here by `mailquay.runtime.reference`.
"""

import os
import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

__all__ = ["FROM_FILES", "Settings", "SettingsError", "load_settings"]

KIB = 1024
MIB = 1024 * KIB

#: What may also stand in a file: ``MAILQUAY_DATABASE__URL_FILE``, as group and name.
FROM_FILES = (("database", "url"), ("nats", "url"), ("smtp_out", "smarthost_password"))

#: A TCP port to listen on; 0 takes a free one, ``none`` does not serve it.
Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(Exception):
    """The settings are wrong; the message lists everything that is, a line each."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Group):
    """Postgres, which holds all metadata."""

    url: SecretStr = Field(
        SecretStr("postgresql://mailquay@127.0.0.1:5432/mailquay"),
        description="Where Postgres is, with user and password, as libpq writes it.",
    )
    pool_min: int = Field(1, ge=0, le=1000, description="Connections kept open in each process.")
    pool_max: int = Field(10, ge=3, le=1000, description="Connections at most in each process.")
    statement_timeout_seconds: float = Field(
        30, gt=0, le=3600, description="A statement that takes longer is cancelled."
    )
    connect_timeout_seconds: float = Field(
        5, gt=0, le=300, description="A connection that takes longer to open has failed."
    )


class NatsSettings(_Group):
    """NATS, which carries the events. Without it mail still flows; IDLE falls back to polling."""

    url: str | None = Field(None, description="Servers, comma-separated; none: no event bus.")
    credentials_file: Path | None = Field(None, description="A NATS credentials file (JWT).")


class BlobSettings(_Group):
    """Object storage, which holds the messages' bodies."""

    url: str = Field(
        "file:///var/lib/mailquay/blobs",
        description="`file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…` or `memory://`. "
        "Credentials come from the provider's own variables (AWS_ACCESS_KEY_ID, …).",
    )
    compression_level: int = Field(1, ge=0, le=19, description="zstd's level; 0 stores as is.")
    large_message_bytes: int = Field(
        MIB, ge=64 * KIB, description="A message over this gets an object of its own."
    )
    read_cache_bytes: int = Field(
        64 * MIB, ge=0, description="Bodies kept in memory in each process."
    )
    collect_grace_seconds: int = Field(
        7 * 86400,
        ge=60,
        description="How long an object that nothing refers to is kept; longer than any delivery "
        "and than the database's point-in-time-recovery window.",
    )
    upload_ttl_seconds: int = Field(
        86400, ge=3600, description="How long an upload that no message uses is kept."
    )


class TlsSettings(_Group):
    """The servers' certificate; both files are watched and reloaded without a restart."""

    certificate_file: Path | None = Field(None, description="PEM chain; none: no TLS offered.")
    key_file: Path | None = Field(None, description="PEM private key.")
    reload_interval_seconds: float = Field(
        60, gt=0, description="How often the files are looked at."
    )
    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = Field(
        "TLSv1.2", description="The oldest version spoken with clients."
    )


class NetSettings(_Group):
    """What all listeners share."""

    bind: str = Field("127.0.0.1", description="The address that the mail ports listen on.")
    proxy_protocol_from: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks whose PROXY protocol header (v1, v2) is required and believed."
    )
    max_connections: int = Field(
        10_000, ge=1, description="Connections at most on each process; more are told so."
    )
    max_connections_per_address: int = Field(
        200,
        ge=1,
        description="Connections at most from one client address (of IPv6: a /64) on each process.",
    )
    drain_seconds: float = Field(
        20, ge=0, description="How long a stopping process lets running commands finish."
    )


class SmtpInSettings(_Group):
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


class SmtpOutSettings(_Group):
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
        None, description="PEM roots that the smarthost's certificate may rest on, too."
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


class ImapSettings(_Group):
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
    max_keywords: int = Field(
        200, ge=30, description="Different keywords that the messages of one mailbox may have."
    )
    poll_seconds: float = Field(
        30, gt=0, description="How often an idling client's mailbox is looked at without an event."
    )
    allow_plaintext_auth: bool = Field(
        False, description="Offer sign-in without TLS. Only for loopback and tests."
    )


class Pop3Settings(_Group):
    """POP3."""

    port: Port | None = Field(110, description="POP3 with STLS.")
    tls_port: Port | None = Field(995, description="POP3 over TLS (RFC 8314).")
    idle_timeout_seconds: float = Field(
        600, ge=1, description="Autologout; RFC 1939 §3 asks for 10 minutes at least."
    )
    allow_plaintext_auth: bool = Field(
        False, description="Offer sign-in without TLS. Only for loopback and tests."
    )


class WebSettings(_Group):
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


class DeliverySettings(_Group):
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
        0, ge=0, description="An account's quota where it has none of its own; 0: none."
    )


class IdentitySettings(_Group):
    """Passwords and sign-in."""

    argon2_memory_kib: int = Field(19456, ge=8, description="Argon2id's memory.")
    argon2_time_cost: int = Field(2, ge=1, description="Argon2id's passes.")
    argon2_parallelism: int = Field(1, ge=1, description="Argon2id's lanes.")
    hash_threads: int = Field(2, ge=1, le=64, description="Passwords hashed at once.")
    scram_iterations: int = Field(
        10_000, ge=4096, description="PBKDF2 rounds of SCRAM-SHA-256 (RFC 7677 §4)."
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


class DnsSettings(_Group):
    """Name resolution."""

    servers: tuple[str, ...] = Field((), description="Resolvers; none of them: the system's.")
    timeout_seconds: float = Field(5, gt=0, description="For one question in all.")
    fixed_file: Path | None = Field(
        None, description="Answer from this JSON file instead of DNS. Only for tests."
    )


class MetricsSettings(_Group):
    """Health and metrics over HTTP: /healthz, /readyz, /metrics."""

    port: Port | None = Field(9090, description="Its port; none: not served.")
    bind: str | None = Field(None, description="Its address; none: that of the mail ports.")


class LogSettings(_Group):
    """Logs, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least.")
    format: Literal["json", "console"] = Field("json", description="For machines, or for people.")


class _SecretFiles(PydanticBaseSettingsSource):
    """``MAILQUAY_A__B_FILE=/path``: the value of ``a.b`` is the file's first line."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for group, field in FROM_FILES:
            path = os.environ.get(f"MAILQUAY_{group}__{field}_FILE".upper())
            if path:
                tree.setdefault(group, {})[field] = Path(path).read_text().splitlines()[0].strip()
        return tree


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="MAILQUAY_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_parse_none_str="none",
        extra="forbid",
        frozen=True,
    )

    hostname: str = Field(
        default_factory=socket.getfqdn,
        description="This server's name in greetings, Received fields and reports.",
    )
    ready_file: Path | None = Field(
        None, description="A file in which a service writes its ports once it serves them."
    )
    database: DatabaseSettings = DatabaseSettings()
    nats: NatsSettings = NatsSettings()
    blobs: BlobSettings = BlobSettings()
    tls: TlsSettings = TlsSettings()
    net: NetSettings = NetSettings()
    smtp_in: SmtpInSettings = SmtpInSettings()
    smtp_out: SmtpOutSettings = SmtpOutSettings()
    imap: ImapSettings = ImapSettings()
    pop3: Pop3Settings = Pop3Settings()
    web: WebSettings = WebSettings()
    delivery: DeliverySettings = DeliverySettings()
    identity: IdentitySettings = IdentitySettings()
    dns: DnsSettings = DnsSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Constructor, environment, secret files, then the TOML file."""
        sources = [init_settings, env_settings, _SecretFiles(settings_cls)]
        if path := os.environ.get("MAILQUAY_CONFIG"):
            sources.append(TomlConfigSettingsSource(settings_cls, Path(path)))
        return tuple(sources)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: with all that is wrong, a line each.
    """
    if (path := os.environ.get("MAILQUAY_CONFIG")) and not Path(path).is_file():
        raise SettingsError(f"MAILQUAY_CONFIG: there is no file {path}")
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"MAILQUAY_{'__'.join(str(part) for part in e['loc']).upper()}: {e['msg']}"
            for e in error.errors(include_input=False)
        ]
        raise SettingsError("\n".join(lines)) from None
    except OSError as error:
        raise SettingsError(str(error)) from error
