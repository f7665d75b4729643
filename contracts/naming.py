"""The one way in which two spellings of a name are held to be the same name."""

import difflib
import re
from collections.abc import Iterable

# Share of letters that two spellings of one name have in common, at the least: `MinrText` is near `MinorText`,
# `Context` is not near `MajorText`.
_NEAR = 0.7
_LONGEST_SHOWN = 80
_NOT_A_LETTER_OR_DIGIT = re.compile(r"[\W_]+")


def text_key(printed: str) -> str:
    """Return the key under which a printed name is looked up in the alias seeds.

    Case, ``&``/``and``, punctuation, and every kind of space (D26: non-breaking ones too) make no difference:
    ``Theft From M/V`` → ``theft from m v``, ``Kensington & Chelsea`` → ``kensington and chelsea``.
    """
    return _NOT_A_LETTER_OR_DIGIT.sub(" ", printed.casefold().replace("&", " and ")).strip()


def offence_key(major_category: str, minor_category: str) -> str:
    """Key of an offence category: both its levels, because `Other Theft` alone does not say whose."""
    return f"{text_key(major_category)} | {text_key(minor_category)}"


def shown(text: str) -> str:
    """What was found, as a message shows it: cut where it is long."""
    return f"{text[:_LONGEST_SHOWN]}…" if len(text) > _LONGEST_SHOWN else text


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like `key`, or None where none comes near."""
    matches = difflib.get_close_matches(key, list(known), n=1, cutoff=_NEAR)
    return matches[0] if matches else None
