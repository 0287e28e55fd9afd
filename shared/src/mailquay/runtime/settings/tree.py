"""The tree of all settings, and where its values come from."""

import os
import socket
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from mailquay.runtime.settings.clients import (
    IdentitySettings,
    ImapSettings,
    Pop3Settings,
    WebSettings,
)
from mailquay.runtime.settings.network import DnsSettings, NetSettings, TlsSettings
from mailquay.runtime.settings.retention import RetentionSettings
from mailquay.runtime.settings.smtp import DeliverySettings, SmtpInSettings, SmtpOutSettings
from mailquay.runtime.settings.stores import BlobSettings, DatabaseSettings, NatsSettings
from mailquay.runtime.settings.telemetry import LogSettings, MetricsSettings

__all__ = ["FROM_FILES", "Settings", "SettingsError", "load_settings"]

#: What may also stand in a file: ``MAILQUAY_DATABASE__URL_FILE``, as group and name.
FROM_FILES: Final = (("database", "url"), ("nats", "url"), ("smtp_out", "smarthost_password"))


class SettingsError(Exception):
    """The settings are wrong; the message lists everything that is, a line each."""


def _file_variable(setting: tuple[str, str]) -> str:
    return f"MAILQUAY_{setting[0]}__{setting[1]}_FILE".upper()


class _SecretFiles(PydanticBaseSettingsSource):
    """``MAILQUAY_A__B_FILE=/path``: the value of ``a.b`` is the file's first line."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for group, field in FROM_FILES:
            if path := os.environ.get(_file_variable((group, field))):
                value = Path(path).read_text().partition("\n")[0].strip()
                if value:  # as with a variable, an empty one is none
                    tree.setdefault(group, {})[field] = value
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
    retention: RetentionSettings = RetentionSettings()
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
        assert isinstance(env_settings, EnvSettingsSource), "as pydantic-settings makes it"
        # The environment's own source would take a secret's file for a setting of that name.
        env_settings.env_vars = {
            name: value
            for name, value in env_settings.env_vars.items()
            if name.upper() not in map(_file_variable, FROM_FILES)
        }
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
