"""Structured logs on stderr."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

from xds.model.visible import in_json, in_line

# These quote what they received, or say again what our own lines say.
_QUOTING = ("spyne", "spyne.protocol", "spyne.server", "spyne.application")
_TALKATIVE = ("asyncio", "aiohttp", "hl7", "zeep", "alembic", "sqlalchemy", "urllib3")


def set_up_logs(level: str, style: str) -> None:
    """Send all logs to stderr: as JSON lines (style "json"), or as lines for a person ("console").

    Each has the time (UTC), the level, the event and its fields; what is logged through the standard library has
    its `extra` as fields.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    chain = [
        structlog.processors.add_log_level,
        structlog.processors.MaybeTimeStamper(fmt="iso", utc=True),
        without_text,
        *([_in_lines, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())] if style == "console" else [_json]),
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()], processors=[_named, *chain]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.captureWarnings(True)
    for name in _QUOTING:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def without_text(logger: Any, method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places that it passed, innermost last."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        event["exception"] = info[0].__qualname__
        event["at"] = places(info[2])
    event.pop("stack_info", None)
    return event


def places(trace: TracebackType | None) -> list[str]:
    """The file and line of the last eight frames."""
    frames = traceback.extract_tb(trace)[-8:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno}" for frame in frames]


def _in_lines(logger: Any, method: str, event: EventDict) -> EventDict:
    """Each text in one line that a terminal shows as it is."""
    return {name: in_line(value) if isinstance(value, str) else value for name, value in event.items()}


def _json(logger: Any, method: str, event: EventDict) -> str:
    line = msgspec.json.encode(event, enc_hook=str).decode()
    return line if line.isascii() else in_json(line)


def _named(logger: Any, method: str, event: EventDict) -> EventDict:
    """Keep the name of a logger of the standard library, and nothing else of its record."""
    event["logger"] = event.pop("_record").name
    del event["_from_structlog"]
    return event
