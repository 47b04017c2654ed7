"""CREATE TABLE: a declaration of data that lies outside, not a step."""

from __future__ import annotations

from collections.abc import Iterator

from sqlrec.errors import Diagnostic, Severity, suggest
from sqlrec.plan.options import check_option, check_options, stored_options
from sqlrec.plan.templates import is_templated, secret_reference
from sqlrec.spec.options import Option, OptionKind, OptionSet, Scope, canonical_key
from sqlrec.spec.schema import Schema
from sqlrec.spec.table import TableFormat, TableSource
from sqlrec.sql.statements import ComputedColumn, CreateTable, MetadataColumn

TABLE = frozenset({Scope.TABLE})

TABLE_OPTIONS = OptionSet(
    (
        Option(
            key="connector",
            kind=OptionKind.STRING,
            doc="Format of the files.",
            scopes=TABLE,
            required=True,
            choices=(TableFormat.PARQUET.value, TableFormat.CSV.value),
        ),
        Option(
            key="path",
            kind=OptionKind.STRING,
            doc="File, folder or glob, from the project folder unless absolute.",
            scopes=TABLE,
            required=True,
        ),
        Option(
            key="header",
            kind=OptionKind.BOOLEAN,
            doc="Whether the first line of a CSV file names the columns.",
            scopes=TABLE,
            default=True,
        ),
        Option(
            key="delimiter",
            kind=OptionKind.STRING,
            doc="What separates the values of a CSV line; \\t is a tab.",
            scopes=TABLE,
            default=",",
        ),
        Option(
            key="null_value",
            kind=OptionKind.STRING,
            doc="Text that stands for NULL in a CSV file.",
            scopes=TABLE,
            default="",
        ),
    )
)
OF_CSV = frozenset({"header", "delimiter", "null_value"})


def table_source(statement: CreateTable) -> TableSource:
    """The declared table; what :func:`check_table` complains about is taken as well as it goes."""
    written = stored_options(statement.options)
    connector = str(written.get("connector", "")).strip().casefold()
    is_csv = connector == TableFormat.CSV
    return TableSource(
        name=statement.name.text,
        format=TableFormat.CSV if is_csv else TableFormat.PARQUET,
        path=str(written.get("path", "")),
        schema=statement.columns.schema if statement.columns else Schema(),
        partitions=tuple(p.text for p in statement.partitioned_by),
        options={k: _csv_text(v) for k, v in written.items() if k in OF_CSV} if is_csv else {},
    )


def _csv_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_table(statement: CreateTable) -> Iterator[Diagnostic]:
    """All that is wrong with a declaration. Of another system's nothing else can be said."""
    foreign = list(_foreign_connector(statement))
    if foreign:
        yield from foreign
        return
    yield from check_options(statement.options, TABLE_OPTIONS, Scope.TABLE, statement.name.span)
    yield from _check_templates(statement)
    yield from _check_csv_options(statement)
    yield from _check_partitions(statement)
    yield from _check_columns(statement)
    path = next((o for o in statement.options if canonical_key(o.key.value) == "path"), None)
    if path is not None and not str(path.value).strip():
        yield Diagnostic(
            code="SR303",
            message="option 'path' is empty",
            span=path.value_span,
            hint="name a file, a folder or a glob, such as 'visits/*.csv'",
        )


def _foreign_connector(statement: CreateTable) -> Iterator[Diagnostic]:
    """The finding about a connector that is none of ours, nor a misspelt one."""
    item = next((o for o in statement.options if canonical_key(o.key.value) == "connector"), None)
    if item is not None and not suggest(str(item.value), (TableFormat.PARQUET, TableFormat.CSV)):
        yield from check_option(item, TABLE_OPTIONS, Scope.TABLE)


def _check_columns(statement: CreateTable) -> Iterator[Diagnostic]:
    """Files hold plain columns. A primary key is what their writer keeps; a watermark means nothing here."""
    for item in statement.body.items if statement.body else ():
        if isinstance(item, ComputedColumn | MetadataColumn):
            computed = isinstance(item, ComputedColumn)
            name = item.name if isinstance(item, ComputedColumn) else item.column.name
            yield Diagnostic(
                code="SR213",
                message=f"{'computed' if computed else 'metadata'} column {name.text!r} of a table of files",
                span=name.span,
                hint=f"leave it out, and let a view over {statement.name.text} compute {name.text}",
            )
    if statement.body and statement.body.watermark:
        yield Diagnostic(
            code="SR318",
            message="a table of files is complete: its watermark has no effect",
            span=statement.body.watermark.span,
            hint="leave it out",
            severity=Severity.WARNING,
        )


def _check_templates(statement: CreateTable) -> Iterator[Diagnostic]:
    for option in statement.options:
        secret = isinstance(option.value, str) and secret_reference(option.value)
        is_path = canonical_key(option.key.value) == "path"
        if secret or (is_templated(option.value) and not is_path):
            yield Diagnostic(
                code="SR310",
                message=f"option {option.key.value!r} of a table is a fixed value",
                span=option.value_span,
                hint="only the path of a table may hold templates",
            )


def _check_csv_options(statement: CreateTable) -> Iterator[Diagnostic]:
    if table_source(statement).format is TableFormat.CSV:
        return
    for option in statement.options:
        if canonical_key(option.key.value) in OF_CSV:
            yield Diagnostic(
                code="SR304",
                message=f"option {option.key.value!r} belongs to connector csv",
                span=option.key.span,
                hint="leave it out, or write connector = 'csv'",
            )


def _check_partitions(statement: CreateTable) -> Iterator[Diagnostic]:
    columns = statement.columns.schema if statement.columns else Schema()
    seen: set[str] = set()
    for partition in statement.partitioned_by:
        if columns.get(partition.text) is None:
            yield Diagnostic(
                code="SR426",
                message=f"partition column {partition.text!r} is not declared",
                span=partition.span,
                hint=suggest(partition.text, columns.names) or "list it, with its type, among the columns",
            )
        if partition.text.casefold() in seen:
            yield Diagnostic(
                code="SR108",
                message=f"column {partition.text!r} is listed twice",
                span=partition.span,
                hint="remove one of them",
            )
        seen.add(partition.text.casefold())
    if len(columns) and all(field.name.casefold() in seen for field in columns):
        yield Diagnostic(
            code="SR426",
            message=f"table {statement.name.text!r} has only partition columns",
            span=statement.name.span,
            hint="a table needs a column that its files hold",
        )
