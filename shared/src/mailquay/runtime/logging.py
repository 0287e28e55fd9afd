"""Logs: one JSON object a line on standard error, with the trace id of the message at hand."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import Processor

from mailquay.runtime.settings import LogSettings

__all__ = ["configure_logging"]

_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(settings: LogSettings, service: str) -> None:
    """Send everything, that of libraries too, through structlog."""

    def add_service(_logger: object, _method: str, event: structlog.typing.EventDict) -> object:
        event["service"] = service
        return event

    ends: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.format == "json":
        ends += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        ends.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, add_service],  # type: ignore[list-item]  # a processor
            processors=ends,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    # Their information is of no use to whoever runs a mail server.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error", "nats", "asyncio", "mail.log"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            add_service,  # type: ignore[list-item]  # a processor
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
