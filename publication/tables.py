"""The tables that a release carries, and what their columns mean."""

from dataclasses import dataclass

import duckdb

from publication.warehouse import Artifacts, subject_of


@dataclass(frozen=True)
class Table:
    """A table of a release: its name, how its rows belong to subjects, and what its columns mean."""

    schema: str
    name: str
    subject: str
    subject_column: str | None
    description: str
    columns: dict[str, str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


def published_tables(artifacts: Artifacts) -> list[Table]:
    """The tables that a release carries, as the models' own metadata describe them."""
    tables = []
    for node in artifacts.published_models():
        meta = node["config"]["meta"]
        columns = {name: column["description"] for name, column in node["columns"].items()}
        subject = str(subject_of(node))
        column = meta.get("subject_column")
        tables.append(Table(node["schema"], node["name"], subject, column, node["description"], columns))
    return sorted(tables, key=lambda table: table.full_name)


def describe_table(connection: duckdb.DuckDBPyConnection, name: str, description: str, columns: dict[str, str]) -> None:
    """Put descriptions where analysts meet them: as comments on the table and its columns."""
    connection.execute(f"comment on table {name} is {sql_text(description.strip())}")
    for column, meaning in columns.items():
        connection.execute(f"comment on column {name}.{column} is {sql_text(meaning.strip())}")


def sql_text(value: object) -> str:
    """A text, or a path, as SQL quotes it."""
    return "'" + str(value).replace("'", "''") + "'"
