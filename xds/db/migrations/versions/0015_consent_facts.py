"""What the consent register says of a client is kept with the patient, when it changes next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("patient", sa.Column("consent_facts", sa.LargeBinary))
    op.drop_column("patient", "consent_version")
