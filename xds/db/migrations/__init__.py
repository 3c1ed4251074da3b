"""The history of the schema, as Alembic runs it. A revision that was released never changes."""
