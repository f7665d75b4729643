"""What stands around a figure, a period or a name: spaces, dashes, footnote marks, P and R (catalogue 6.0)."""

import re
from typing import Literal, NamedTuple

Status = Literal["unknown", "provisional", "revised", "final"]

# Without ASCII, a search in any case takes `ı` for i and `ſ` for s, and no table of words has those.
ANY_CASE = re.ASCII | re.IGNORECASE
# A longer text is a comment: reasons name no more of it (it may speak of people, D30).
_QUOTED = 30

# Characters without width that web pages and CSV writers leave behind.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
# Every kind of space that stands in a line: non-breaking, thin, narrow, ideographic (D26). Line ends are no spaces:
# two figures under each other in one cell are not one figure.
_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# Hyphens, figure, en and em dash, minus signs: people and Word type one for another.
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")

_STATUS_OF: dict[str, Status] = {"p": "provisional", "r": "revised", "f": "final", "": "unknown"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹ᵖʳ", "0123456789pr")
# `(P)`, `[r]`, `(provisional)`, and raised letters, after anything.
_STATUS_IN_BRACKETS = re.compile(r" ?(?:[(\[](?P<word>p|r|provisional|revised)[)\]]|(?P<raised>[ᵖʳ]))$", ANY_CASE)
# `1,234P`, `1,234 p`, `24.5%R`, `£1.2mP`, `1,234*P`, or the letter alone: a bare letter that ends a word is no mark.
_BARE_STATUS = re.compile(
    r"(?:(?<=[0-9⁰¹²³⁴-⁹%)\]*†‡~])|(?<=[0-9][km])|^) ?(?P<word>[PR])$",
    ANY_CASE,
)
# `*`, `†`, `¹`, `¹,³`, `[1]`, `[note 3]`, `(note 3)`, also `~` and `^` as some publishers use them.
_FOOTNOTE = re.compile(
    r" ?(?:(?P<symbol>\*+|†+|‡+|§|¶|~+|\^+|#+)|(?P<raised>[⁰¹²³⁴-⁹]+(?:,[⁰¹²³⁴-⁹]+)*)"
    r"|\[(?:notes? ?)?(?P<number>[0-9]{1,2}(?:, ?[0-9]{1,2})*)\]|\(notes? ?(?P<note>[0-9]{1,2})\))$",
    ANY_CASE,
)
# `Wiltshire1`, `2,4661`, `24.5%1`, only where the contract says so: digits that can be no part of what stands there.
_GLUED_DIGITS = re.compile(r"(?:(?<=[a-z)%])|(?<=,[0-9]{3}))(?P<number>[0-9]{1,2})$", ANY_CASE)


class Marked(NamedTuple):
    """A text without its marks. Numbered marks are plain digits (`¹` and `[note 1]` are `1`), in reading order."""

    body: str
    status: Status | None
    marks: tuple[str, ...]


def normal(text: str) -> str:
    """The text with single plain spaces and plain hyphens, nothing invisible, and no spaces or line ends around it."""
    return _DASHES.sub("-", _SPACES.sub(" ", _INVISIBLE.sub("", text))).strip()


def quoted(text: str) -> str:
    """The text in quotation marks, for a reason; cut where it is long."""
    short = " ".join(text.split())
    return f"'{short}'" if len(short) <= _QUOTED else f"'{short[:_QUOTED]}…'"


def parse_status(text: str) -> Status | None:
    """What a cell of a narrow status column says (`P`, `(R)`, `f`, blank), or None where it is no status (6.7)."""
    word = normal(text).translate(_RAISED).strip("()[]").casefold()
    if word in ("provisional", "revised", "final"):
        word = word[0]
    return _STATUS_OF.get(word)


def split_marks(text: str, *, digits: bool = False) -> Marked:
    """Part a figure, a period or a name from the marks after it: `180P¹` → `180`, provisional, `1`.

    With `digits`, bare digits at the end of a name or a number in thousands are a mark too: of `SCD5` as of
    `Wiltshire1`, so that a name is looked up whole first.
    """
    body, status = normal(text), None
    marks: list[str] = []
    while body:
        status_mark = None if status else (_STATUS_IN_BRACKETS.search(body) or _BARE_STATUS.search(body))
        footnote = _FOOTNOTE.search(body) or (_GLUED_DIGITS.search(body) if digits and not marks else None)
        if status_mark:
            status = _status(status_mark)
            body = body[: status_mark.start()]
        elif footnote:
            found = next(group for group in footnote.groups() if group)
            marks[:0] = [mark.strip() for mark in found.translate(_RAISED).split(",")]
            body = body[: footnote.start()]
        else:
            break
    return Marked(body, status, tuple(marks))


def _status(match: re.Match[str]) -> Status:
    letter = next(group for group in match.groups() if group).translate(_RAISED)[0]
    return _STATUS_OF[letter.casefold()]
