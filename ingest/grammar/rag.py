"""Traffic lights: red, amber and green as a word, a letter, or only the fill of a cell (catalogue 6.0, 6.9, D15)."""

from dataclasses import dataclass
from typing import Literal

from ingest.grammar.marks import normal, quoted

Colour = Literal["red", "amber", "green", "blue", "grey", "white"]

_COLOURS: dict[str, Colour] = {
    **dict.fromkeys(("r", "red"), "red"),
    **dict.fromkeys(("a", "amber", "yellow"), "amber"),
    **dict.fromkeys(("g", "green"), "green"),
    # The police authority's reports of 2001: target met, no target set, no information yet.
    "blue": "blue",
    **dict.fromkeys(("grey", "gray"), "grey"),
    "white": "white",
}
# Shapes that say nothing without their colour.
_SHAPES = frozenset("●○◉⬤•■□▇█▮◆♦▲▼▬")


@dataclass(frozen=True)
class Rag:
    """A traffic light. With the source `fill` the text says nothing, and the colour is to be read from the style."""

    text: str
    colour: Colour | None
    rag_source: Literal["text", "fill"] | None
    reason: str | None = None


def parse_rag(value: object) -> Rag:
    """Read a cell of a RAG column. `R` is red here and nowhere else."""
    text = "" if value is None else str(value)
    word = normal(text).strip("()[]").casefold()
    if word in _COLOURS:
        return Rag(text, _COLOURS[word], "text")
    if word == "" or word in _SHAPES:
        return Rag(text, None, "fill")
    return Rag(text, None, None, f"{quoted(text)} is no traffic light: type Red, Amber or Green")
