"""Logs: one JSON object a line on standard error, with the trace id of the message at hand.

Our own events are rendered and written at once; those of libraries come by way of `logging`.
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from mailquay.runtime.settings import LogSettings

__all__ = ["configure_logging"]

_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class _StandardError:
    """Where rendered events go; `name` is whose."""

    def __init__(self, name: str) -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = exception = msg


def configure_logging(settings: LogSettings, service: str) -> None:
    """Send everything, that of libraries too, through structlog."""

    def add_service(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    common: list[Processor] = [*_SHARED, add_service]
    ends: list[Processor]
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_to_json)
        ends = [structlog.processors.format_exc_info, renderer]
    else:
        ends = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    root = logging.getLogger()
    root.handlers[:] = [_library_handler(common, ends)]
    root.setLevel(settings.level.upper())
    # Their information is of no use to whoever runs a mail server.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error", "nats", "asyncio", "mail.log"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*common, *ends],
        logger_factory=_StandardError,
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )


def _library_handler(common: list[Processor], ends: list[Processor]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
        )
    )
    return handler


def _to_json(event: EventDict, default: Callable[[Any], Any]) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=default).decode()
    except (UnicodeEncodeError, msgspec.MsgspecError, TypeError):  # text that is no Unicode
        return json.dumps(event, default=default)
