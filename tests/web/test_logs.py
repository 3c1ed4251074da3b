from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog, sys
from xds.web.logs import set_up_logs
set_up_logs({level!r}, {style!r})
def fail():
    raise ValueError("999999990 of Jansen")
try:
    fail()
except ValueError:
    {statement}
"""


def logged(statement: str, level: str = "info", style: str = "json") -> str:
    """What a program writes that catches an exception and then does `statement`."""
    program = PROGRAM.format(level=level, style=style, statement=statement)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_a_line_is_an_object_with_time_level_and_fields():
    line = json.loads(logged("structlog.get_logger().info('request', transaction='ITI-18', bytes=3)"))

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "request", "level": "info", "transaction": "ITI-18", "bytes": 3}


def test_the_standard_library_logs_in_the_same_form():
    line = json.loads(logged("logging.getLogger('xds.store').warning('no %s', 'room', extra={'free': 1})"))

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "no room", "level": "warning", "logger": "xds.store", "free": 1}


def test_an_exception_shows_its_type_and_places_and_not_its_text():
    for statement in (
        "structlog.get_logger().exception('failed')",
        "structlog.get_logger().error('failed', exc_info=True)",
        "logging.getLogger('xds').exception('failed')",
        "logging.getLogger('asyncio').error('failed', exc_info=sys.exc_info())",
    ):
        text = logged(statement)
        line = json.loads(text)

        assert line["exception"] == "ValueError"
        assert line["at"][-1].startswith("<string>:")
        assert "999999990" not in text and "Jansen" not in text


def test_the_console_form_has_no_text_of_an_exception_either():
    text = logged("structlog.get_logger().exception('failed')", style="console")

    assert "ValueError" in text and "failed" in text
    assert "Jansen" not in text


def test_what_is_below_the_level_is_not_logged():
    assert logged("structlog.get_logger().info('x'); logging.getLogger('xds').info('x')", level="warning") == ""


def test_loggers_that_quote_messages_are_silent():
    assert logged("logging.getLogger('spyne.protocol.xml').critical('%r in string', 'Jansen')") == ""
    assert logged("logging.getLogger('zeep.transports').info('posting')", level="debug") == ""
