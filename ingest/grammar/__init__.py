"""One grammar for the text of cells: figures, marks, traffic lights, dates and periods (catalogue 6.0 and 6.9).

Tokens are recognised here; what an ambiguous one means in a table is said by its contract. Day first, always. Nothing
raises: what cannot be read comes back with a `reason`, a sentence for the person who filled the cell in.
"""

from ingest.grammar.cells import Cell, CellContext, Kind, Meaning, Qualifier, parse
from ingest.grammar.dates import PeriodRead, date_of_serial, parse_date
from ingest.grammar.marks import Marked, Status, parse_status, split_marks
from ingest.grammar.periods import parse_financial_year, parse_four_week_period, parse_month
from ingest.grammar.rag import Rag, parse_rag

__all__ = [
    "Cell",
    "CellContext",
    "Kind",
    "Marked",
    "Meaning",
    "PeriodRead",
    "Qualifier",
    "Rag",
    "Status",
    "date_of_serial",
    "parse",
    "parse_date",
    "parse_financial_year",
    "parse_four_week_period",
    "parse_month",
    "parse_rag",
    "parse_status",
    "split_marks",
]
