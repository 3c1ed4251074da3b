"""Run the command: `python -m xds`, or `xds`."""

from __future__ import annotations

from xds.cli.main import main

if __name__ == "__main__":
    main(prog_name="xds")
