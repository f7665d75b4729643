"""Which code this is, told from the code itself: a release says by what it was made, with or without git."""

import hashlib
from functools import cache

from ledger.home import PROJECT_ROOT

_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".csv"}
_EVERYTHING = ("contracts", "dbt_project", "expectations", "ingest", "ledger", "orchestration", "publication")


@cache
def code_version(*folders: str) -> str:
    """12 hex digits that change with any change of the code, models, seeds or contracts in some folders (or all)."""
    digest = hashlib.sha256()
    for folder in folders or _EVERYTHING:
        for path in sorted((PROJECT_ROOT / folder).rglob("*")):
            if path.suffix in _SUFFIXES:
                digest.update(str(path.relative_to(PROJECT_ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
