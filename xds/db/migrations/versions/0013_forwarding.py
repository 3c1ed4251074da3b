"""Which participants are repositories that pass requests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("participant", sa.Column("repository", sa.Text))
