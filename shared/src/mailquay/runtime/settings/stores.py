"""Where everything is kept, and what tells of its changes."""

from pathlib import Path

from pydantic import Field, SecretStr

from mailquay.runtime.settings.values import KIB, MIB, Group

__all__ = ["BlobSettings", "DatabaseSettings", "NatsSettings"]


class DatabaseSettings(Group):
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


class NatsSettings(Group):
    """NATS, which carries the events. Without it mail still flows; IDLE falls back to polling."""

    url: str | None = Field(None, description="Servers, comma-separated; none: no event bus.")
    credentials_file: Path | None = Field(None, description="A NATS credentials file (JWT).")


class BlobSettings(Group):
    """Object storage, which holds the messages' bodies."""

    url: str = Field(
        "file:///var/lib/mailquay/blobs",
        description="`file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…` or `memory://`. "
        "Credentials come from the provider's own variables (AWS_ACCESS_KEY_ID, …).",
    )
    retry_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long a request that object storage refuses is tried again; then whoever "
        "waits is told to come back.",
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
    collect_interval_seconds: float = Field(
        3600,
        ge=1,
        description="How often `mailquay standalone` deletes the objects whose grace is over; "
        "elsewhere a schedule runs `mailquay blobs collect`.",
    )
    upload_ttl_seconds: int = Field(
        86400, ge=3600, description="How long an upload that no message uses is kept."
    )
