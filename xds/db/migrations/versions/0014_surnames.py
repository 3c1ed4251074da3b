"""By which surnames clients are known, each as a keyed hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "client_surname",
        sa.Column("surname", sa.LargeBinary, primary_key=True),
        sa.Column("patient", sa.LargeBinary, primary_key=True),
        sqlite_with_rowid=False,
    )
