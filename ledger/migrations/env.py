"""Alembic's entry: runs the migrations on the address that :mod:`ledger.store` hands over."""

from alembic import context
from sqlalchemy import create_engine

from ledger.tables import Base

url = context.config.get_main_option("sqlalchemy.url")
if url is None:
    raise RuntimeError("The ledger's migrations are run by ledger.store, which names the database.")

with create_engine(url).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
