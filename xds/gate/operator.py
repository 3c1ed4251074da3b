"""Who works at the command line, or runs the server."""

from __future__ import annotations

import os
import pwd


def operator() -> str:
    """The account; after sudo, the one before it."""
    try:
        return os.getlogin()
    except OSError:
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid {os.getuid()}"
