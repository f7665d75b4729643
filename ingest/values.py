"""From the text of a cell to its value."""

import re

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}")


def parse_count(text: str) -> int | None:
    """A whole number, or None where the text is none. Spaces around it do not matter (D26)."""
    stripped = text.strip()
    return int(stripped) if _WHOLE_NUMBER.fullmatch(stripped) else None
