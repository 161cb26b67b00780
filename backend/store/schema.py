"""The tables: an append-only log of revisions, and a few numbers about the file itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

VERSION = 1
"""Rises with every change of the tables that an older program could not read."""

FIRST_REVISION = 1
"""The revision of an empty store: never 0, which Kubernetes clients read as "any version"."""

TABLES = MetaData()

# SQLite makes only INTEGER PRIMARY KEY the row's own address, which is what makes appending cheap.
_REVISION = BigInteger().with_variant(Integer, "sqlite")

LOG = Table(
    "log",
    TABLES,
    Column("id", _REVISION, primary_key=True, autoincrement=False),  # the resourceVersion
    Column("key", Text, nullable=False),
    Column("previous", _REVISION, nullable=False),  # the key's revision before this one; 0 for a creation
    Column("deleted", SmallInteger, nullable=False),  # 1: value is the last state, at the deletion's revision
    Column("sealed_by", BigInteger, nullable=True),  # id of the encryption key; NULL for plain JSON
    Column("value", LargeBinary, nullable=False),  # last, so that a scan by key does not read it
)
"""No index besides the id: live keys are in memory, and history is read by ranges of ids."""

META = Table(
    "meta",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

SCHEMA_VERSION = "schema_version"
COMPACT_REVISION = "compact_revision"
