"""Until when the certificates of participants are valid, which is not known of older ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("participant_certificate", sa.Column("expires", sa.BigInteger))
