"""The one settings tree of all services.

Values come from the environment (``MAILQUAY_IMAP__PORT=143``; two underscores between levels),
or from the TOML file that ``MAILQUAY_CONFIG`` names; the environment wins. A secret may stand in
a file instead: ``MAILQUAY_DATABASE__URL_FILE=/run/secrets/database-url``.

``docs/configuration.md`` is rendered from the descriptions here by `mailquay.runtime.reference`.
"""

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
from mailquay.runtime.settings.tree import FROM_FILES, Settings, SettingsError, load_settings

__all__ = [
    "FROM_FILES",
    "BlobSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "DnsSettings",
    "IdentitySettings",
    "ImapSettings",
    "LogSettings",
    "MetricsSettings",
    "NatsSettings",
    "NetSettings",
    "Pop3Settings",
    "RetentionSettings",
    "Settings",
    "SettingsError",
    "SmtpInSettings",
    "SmtpOutSettings",
    "TlsSettings",
    "WebSettings",
    "load_settings",
]
