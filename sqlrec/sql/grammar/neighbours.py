"""Statements of neighbouring languages, and what to write instead.

A statement that cannot be read is looked at for words by which another system's spelling of the same thing
is known. What users of BigQuery, SQLFlow, MindsDB, Snowflake, Redshift, IntegratedML or Spark write by habit
is told as such, with the spelling of this dialect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlrec.errors import Diagnostic
from sqlrec.sql.cursor import CLOSED, CLOSING
from sqlrec.sql.grammar.forms import MODIFIERS, head_words
from sqlrec.sql.lexer import Kind, Token

WITH = "WITH ('key' = 'value', …)"
TRAINED = "CREATE MODEL {name} (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then "
TRAIN = "TRAIN MODEL {name} CHECKPOINT = 'v1' ON {rows}"
PREDICT = "ML_PREDICT(TABLE t, MODEL {name}, DESCRIPTOR(column, …))"
SCORED = "SELECT * FROM ML_PREDICT(TABLE t, MODEL {name}, DESCRIPTOR(column, …))"
SERVE = "CREATE SERVICE {name} ON MODEL m CHECKPOINT = 'v1_export'"


@dataclass(frozen=True, slots=True)
class Form:
    """A spelling of ``whose``: a statement that begins with ``begins`` and has the words of ``marks``.

    ``after`` is the word that the name for ``{name}`` of the help follows.
    """

    whose: str
    begins: str
    marks: str
    instead: str
    after: str = "MODEL"


FORMS = (
    Form("SQLFlow", "SELECT", "TO TRAIN", f"CREATE MODEL {{name}} first, then {TRAIN}", "INTO"),
    Form("SQLFlow", "SELECT", "TO PREDICT", SCORED, "USING"),
    Form("SQLFlow", "SELECT", "TO EVALUATE", "EVALUATE MODEL {name} CHECKPOINT = 'v1' ON {rows}", "EVALUATE"),
    Form("SQLFlow", "SELECT", "TO EXPLAIN", "DESCRIBE FORMATTED MODEL {name}", "EXPLAIN"),
    Form("SQLFlow", "SHOW TRAIN", "TRAIN", "SHOW CREATE MODEL {name}", "TRAIN"),
    Form("BigQuery", "ALTER MODEL", "SET OPTIONS", "ALTER MODEL {name} SET ('key' = 'value', …)"),
    Form("BigQuery", "CREATE MODEL", "REMOTE WITH", "WITH ('provider' = '…', 'endpoint' = '…')"),
    Form("BigQuery", "CREATE MODEL", "TRANSFORM (", f"the expressions into the query: {TRAIN}"),
    Form("BigQuery", "CREATE MODEL", "OPTIONS (", f"{TRAINED}{TRAIN}"),
    *(Form("BigQuery", verb, "OPTIONS (", WITH) for verb in ("CREATE", "EXPORT", "TRAIN", "EVALUATE")),
    Form("BigQuery", "", "ML . PREDICT", PREDICT),
    Form("BigQuery", "", "ML . EVALUATE", "EVALUATE MODEL {name} CHECKPOINT = 'v1' ON t, or ML_EVALUATE(…)"),
    Form("MindsDB", "CREATE PREDICTOR", "PREDICTOR", f"{TRAINED}{TRAIN}", "PREDICTOR"),
    Form("MindsDB", "DROP PREDICTOR", "PREDICTOR", "DROP MODEL {name}", "PREDICTOR"),
    Form("MindsDB", "SHOW PREDICTORS", "PREDICTORS", "SHOW MODELS"),
    Form("MindsDB", "CREATE MODEL", "PREDICT", f"{TRAINED}{TRAIN}"),
    Form("MindsDB", "CREATE MODEL", "USING", WITH),
    Form("MindsDB", "CREATE ML_ENGINE", "ML_ENGINE", "CREATE MODEL … WITH ('provider' = '…', …)"),
    Form("MindsDB", "RETRAIN", "RETRAIN", TRAIN.replace("v1", "v2"), "RETRAIN"),
    Form("MindsDB", "FINETUNE", "FINETUNE", f"{TRAIN.replace('v1', 'v2')} FROM 'v1'", "FINETUNE"),
    Form("MindsDB", "PREDICT", "PREDICT", SCORED),
    Form("Snowflake", "CREATE SNOWFLAKE", "SNOWFLAKE . ML", f"{TRAINED}{TRAIN}"),
    Form("Snowflake", "", "! PREDICT", PREDICT),
    Form("Snowflake", "ALTER MODEL", "SET DEFAULT_VERSION", "ALTER MODEL {name} SET ALIAS 'prod' = 'v1'"),
    Form("Snowflake", "ALTER MODEL", "DROP VERSION", "ALTER MODEL {name} DROP CHECKPOINT = 'v1'"),
    Form("Snowflake", "ALTER MODEL", "VERSION", "ALTER MODEL {name} SET ALIAS 'alias' = 'v1'"),
    Form("Snowflake", "SHOW VERSIONS", "VERSIONS", "SHOW CHECKPOINTS {name}"),
    Form("Snowflake", "CREATE MODEL", "VERSION", TRAIN),
    Form("Snowflake", "CREATE SERVICE", "IN COMPUTE POOL", f"{SERVE} {WITH}", "SERVICE"),
    Form("Snowflake", "ALTER SERVICE", "SUSPEND", "DROP SERVICE {name}", "SERVICE"),
    Form("Snowflake", "ALTER SERVICE", "RESUME", SERVE, "SERVICE"),
    Form("Redshift", "CREATE MODEL", "TARGET", f"{TRAINED}{TRAIN}"),
    Form("Redshift", "CREATE MODEL", "SETTINGS (", WITH),
    Form("Redshift", "SHOW MODEL", "MODEL", "DESCRIBE MODEL {name}, or SHOW MODELS"),
    Form("IntegratedML", "CREATE MODEL", "PREDICTING", f"{TRAINED}{TRAIN}"),
    Form("IntegratedML", "VALIDATE MODEL", "VALIDATE", "EVALUATE MODEL {name} CHECKPOINT = 'v1' ON t"),
    Form("IntegratedML", "TRAIN MODEL", "USING", WITH),
    Form("openGauss", "DEPLOY MODEL", "DEPLOY", "CREATE SERVICE s ON MODEL {name} CHECKPOINT = 'v1_export'"),
    Form("Spark", "CREATE TABLE", "TBLPROPERTIES", WITH),
    Form("Spark", "CREATE TABLE", "LOCATION", "WITH ('connector' = '…', 'path' = '…')"),
    Form("Spark", "CREATE TABLE", "STORED AS", "WITH ('connector' = 'parquet', 'path' = '…')"),
    Form("Spark", "CREATE TABLE", "USING", "WITH ('connector' = '…', 'path' = '…')"),
)
_BY_WORD: dict[str, list[Form]] = {}
for _form in FORMS:
    _BY_WORD.setdefault(_form.marks.split()[0], []).append(_form)


def recognised(tokens: Sequence[Token], text: str) -> Diagnostic | None:
    """What another system's statement should be, when these tokens of ``text`` are one."""
    head = head_words(tokens)
    for index, outside in _places(tokens):
        for form in _BY_WORD.get(tokens[index].key, ()):
            begins, marks = form.begins.split(), form.marks.split()
            keys = [token.key for token in tokens[index : index + len(marks)]]
            if keys == marks and head[: len(begins)] == begins and (outside or not begins):
                return _told(form, tokens, index, text)
    return None


def _places(tokens: Sequence[Token]) -> Iterator[tuple[int, bool]]:
    """Places of the tokens, and whether each stands outside brackets and before the query of AS."""
    depth, query = 0, False
    for index, token in enumerate(tokens):
        depth += (token.key in CLOSING) - (token.key in CLOSED)
        query = query or (depth == 0 and token.key == "AS" and tokens[0].key == "CREATE")
        yield index, depth == (token.key in CLOSING) and not query


def _told(form: Form, tokens: Sequence[Token], index: int, text: str) -> Diagnostic:
    span = tokens[index].span.to(tokens[index + len(form.marks.split()) - 1].span)
    words = form.begins if form.marks in form.begins else text[span.start : span.end].upper()
    help_ = form.instead.format(name=_name(tokens, form.after, text), rows=_rows(tokens, index, text))
    return Diagnostic(
        code="SR112",
        message=f"{' '.join(words.split()).rstrip(' (')} is the spelling of {form.whose}",
        span=span,
        hint=f"write {help_}",
    )


def _name(tokens: Sequence[Token], after: str, text: str) -> str:
    """The name behind the first ``after``, or ``m``."""
    for index, token in enumerate(tokens[:-1]):
        if token.key != after:
            continue
        rest = [t for t in tokens[index + 1 :] if t.key not in MODIFIERS]
        if rest and rest[0].kind in (Kind.WORD, Kind.QUOTED):
            end = rest[0].end
            for dot, part in zip(rest[1::2], rest[2::2], strict=False):
                if dot.key != "." or part.kind not in (Kind.WORD, Kind.QUOTED):
                    break
                end = part.end
            return text[rest[0].start : end]
    return "m"


def _rows(tokens: Sequence[Token], index: int, text: str) -> str:
    """The query before a SQLFlow clause, in parentheses when it is a short one."""
    query = text[tokens[0].start : tokens[index - 1].end] if index else ""
    short = tokens[0].key == "SELECT" and len(query) <= 80 and "\n" not in query
    return f"({query})" if short else "(SELECT …)"
