"""How a cell is named."""


def cell_name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do: row 17, column 8 → `H17`. Both count from 1."""
    letters = ""
    while column > 0:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"
