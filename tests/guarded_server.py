"""A folder whose server wants to know who asks, keeps a log and has a policy."""

from __future__ import annotations

from pathlib import Path

from served import AFFINITY_DOMAIN, ROOT, free_port, xds

POLICY = ROOT / "fixtures" / "policies" / "geboortezorg.toml"


def guarded(folder: Path, *options: object) -> Path:
    """Make it, with the organisations of a demonstration as participants."""
    done = xds(
        "init", folder, "--demo", "--affinity-domain", AFFINITY_DOMAIN, "--policy", POLICY,
        "--port", free_port(), "--mllp-port", free_port(), *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder
