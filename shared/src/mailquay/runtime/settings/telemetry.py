"""What a service tells of itself: health, metrics and logs."""

from typing import Literal

from pydantic import Field

from mailquay.runtime.settings.values import Group, Port

__all__ = ["LogSettings", "MetricsSettings"]


class MetricsSettings(Group):
    """Health and metrics over HTTP: /healthz, /readyz, /metrics."""

    port: Port | None = Field(9090, description="Its port; none: not served.")
    bind: str | None = Field(None, description="Its address; none: that of the mail ports.")
    measure_seconds: float = Field(
        5, gt=0, description="How often what is not counted as it happens is measured."
    )


class LogSettings(Group):
    """Logs, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least.")
    format: Literal["json", "console"] = Field("json", description="For machines, or for people.")
