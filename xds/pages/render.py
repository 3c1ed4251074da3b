"""Jinja2, set so that nothing reaches a page unescaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from xds.model.dutch_time import dutch_time
from xds.model.visible import in_text
from xds.pages.listing import grouped, shown

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """The templates, with what all of them know."""

    def __init__(self, everywhere: Mapping[str, Any]):
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._environment.globals.update(everywhere)
        self._environment.filters.update(
            shown=shown, day=_day, time=_time, moment=_moment, iso=_iso, count=grouped, size=_size
        )

    def render(self, template: str, context: Mapping[str, Any]) -> bytes:
        return self._environment.get_template(template).render(context).encode("utf-8", "replace")


def _visible(value: Any) -> Any:
    """Characters that can't be seen, or turn the text around, are written out."""
    return in_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _day(moment: date | datetime) -> str:
    """dd-mm-jjjj."""
    return (dutch_time(moment) if isinstance(moment, datetime) else moment).strftime("%d-%m-%Y")


def _time(moment: datetime) -> str:
    return dutch_time(moment).strftime("%H:%M")


def _moment(moment: datetime) -> str:
    """dd-mm-jjjj uu:mm."""
    return dutch_time(moment).strftime("%d-%m-%Y %H:%M")


def _iso(moment: date | datetime) -> str:
    """For the attribute `datetime`."""
    return moment.isoformat()


def _size(size: int) -> str:
    """In GB with one decimal, or MB where that is less than one."""
    return f"{size / 1e9:.1f} GB".replace(".", ",") if size >= 1e9 else f"{round(size / 1e6)} MB"
