"""What SQLRec's and Flink's own parsers refuse of the language, clause by clause.

SQLRec 0.1.10 and Flink 2.3 are meant; the facts come from running their parsers and reading their
grammars. A clause that neither takes is an extension of sqlrec.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlrec.sql.lexer import Token
from sqlrec.sql.statements import (
    AlterModel,
    AlterService,
    Assert,
    CacheTable,
    Call,
    CreateApi,
    CreateFunction,
    CreateModel,
    CreateService,
    Declare,
    DefineInput,
    Describe,
    DropAlias,
    DropApi,
    DropCheckpoint,
    DropFunction,
    DropModel,
    DropService,
    EvaluateModel,
    Explain,
    ExportModel,
    Flush,
    If,
    Insert,
    Namespace,
    ObjectKind,
    Return,
    RollbackService,
    Select,
    SetAlias,
    Show,
    ShowCreate,
    Statement,
    TrainModel,
    Use,
    Variable,
)


class Strict(StrEnum):
    """Whose parser a script must satisfy: the values of the setting ``strict``."""

    SQLREC = "sqlrec"
    FLINK = "flink"

    @property
    def other(self) -> Strict:
        """The other dialect."""
        return Strict.FLINK if self is Strict.SQLREC else Strict.SQLREC


SQLREC, FLINK = frozenset({Strict.SQLREC}), frozenset({Strict.FLINK})
BOTH = SQLREC | FLINK

Tokens = list[Token]
When = Callable[[Any, Tokens], bool]


def always(statement: Statement, tokens: Tokens) -> bool:
    """Holds for every statement of the kind."""
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """``refused_by`` do not take ``clause`` in a statement of ``kinds`` for which ``when`` holds.

    The finding points to the first place of ``words`` in the statement; by default those of the clause.
    """

    clause: str
    kinds: type | tuple[type, ...]
    refused_by: frozenset[Strict]
    when: When = always
    words: tuple[str, ...] = ()
    hint: str = ""


def _given(field: str) -> When:
    """Whether a clause, kept in ``field``, is there."""
    return lambda statement, tokens: bool(getattr(statement, field))


def _changes(*kinds: type) -> When:
    return lambda statement, tokens: isinstance(statement.change, kinds)


def _kind(*kinds: ObjectKind) -> When:
    return lambda statement, tokens: statement.kind in kinds


def _has(*words: str) -> When:
    """Whether the statement has these words, one after the other."""
    return lambda statement, tokens: find(tokens, words) is not None


def find(tokens: Tokens, words: tuple[str, ...]) -> tuple[Token, Token] | None:
    """First and last token of the first place where ``words`` stand."""
    for index in range(len(tokens) - len(words) + 1):
        if all(tokens[index + ahead].key == word for ahead, word in enumerate(words)):
            return tokens[index], tokens[index + len(words) - 1]
    return None


def _calls_with(field: str) -> When:
    return lambda statement, tokens: bool(getattr(statement.body, field))


def _calls_variable(statement: Call, tokens: Tokens) -> bool:
    return isinstance(statement.body.function, Variable)


def _on_query(statement: TrainModel | ExportModel, tokens: Tokens) -> bool:
    sources = (
        (statement.data, statement.validation) if isinstance(statement, TrainModel) else (statement.sample,)
    )
    return any(source is not None and source.query is not None for source in sources)


def _qualified(statement: Any, tokens: Tokens) -> bool:
    models = statement.models if isinstance(statement, CreateService) else (statement,)
    return any(len(model.name.parts) > 1 for model in models)


def _explains_other(statement: Explain, tokens: Tokens) -> bool:
    return not isinstance(statement.statement, Select | Insert)


_LISTED_BY_BOTH = (ObjectKind.TABLE, ObjectKind.DATABASE, ObjectKind.CATALOG, ObjectKind.VIEW)


def _filters(statement: Show, tokens: Tokens) -> bool:
    """Whether SHOW filters what SQLRec lists whole. The model of SHOW CHECKPOINTS is no filter."""
    filtered = statement.like if statement.kind is ObjectKind.CHECKPOINT else statement.of or statement.like
    return statement.kind not in _LISTED_BY_BOTH and filtered is not None


def _checkpoints_from(statement: Show, tokens: Tokens) -> bool:
    return statement.kind is ObjectKind.CHECKPOINT and tokens[2].key in ("FROM", "IN")


def _describes(kind: ObjectKind, word: str) -> When:
    return lambda statement, tokens: statement.kind is kind and find(tokens, (word,)) is not None


def _uses_database(statement: Use, tokens: Tokens) -> bool:
    return statement.kind is Namespace.DATABASE and find(tokens, ("USE", "DATABASE")) is not None


_MODELS = (CreateModel, DropModel, TrainModel, ExportModel, CreateService, AlterModel)
_SIMPLE_NAME = "name the model without a database"
_NO_SERVICES = "Flink knows no services: keep it in a script of its own"
_BY_HAND = "DROP IF EXISTS first, then CREATE"
_CALL = "make the call without it"

STATEMENTS = (
    Rule("TRAIN MODEL", TrainModel, FLINK, hint="Flink trains no models: keep it in a script of its own"),
    Rule("EXPORT MODEL", ExportModel, FLINK, hint="Flink exports no models: keep it in a script of its own"),
    Rule("EVALUATE MODEL", EvaluateModel, BOTH, hint="SELECT * FROM ML_EVALUATE(…) measures in Flink"),
    Rule("SET ALIAS", AlterModel, BOTH, _changes(SetAlias), hint="name the checkpoint itself"),
    Rule("DROP ALIAS", AlterModel, BOTH, _changes(DropAlias), ("ALIAS",), hint="leave it out"),
    Rule(
        "ALTER MODEL … DROP CHECKPOINT",
        AlterModel,
        FLINK,
        _changes(DropCheckpoint),
        ("ALTER", "MODEL"),
        hint="Flink knows no checkpoints: keep it in a script of its own",
    ),
    Rule(
        "ALTER MODEL",
        AlterModel,
        SQLREC,
        lambda s, tokens: not isinstance(s.change, DropCheckpoint | SetAlias | DropAlias),
        hint="drop the model and create it anew",
    ),
    Rule("CREATE SERVICE", CreateService, FLINK, words=("SERVICE",), hint=_NO_SERVICES),
    Rule("DROP SERVICE", DropService, FLINK, hint=_NO_SERVICES),
    Rule("ALTER SERVICE", AlterService, BOTH, hint="drop the service and create it anew"),
    Rule("ROLLBACK SERVICE", RollbackService, BOTH, hint="create the service with the checkpoint it had"),
    Rule("CREATE API", CreateApi, FLINK, words=("API",), hint=_NO_SERVICES),
    Rule("DROP API", DropApi, FLINK, hint=_NO_SERVICES),
    Rule("CREATE SQL FUNCTION", CreateFunction, FLINK, words=("SQL", "FUNCTION"), hint="use a view"),
    Rule("DEFINE INPUT TABLE", DefineInput, FLINK, hint="use a view"),
    Rule("RETURN", Return, FLINK, hint="use a view"),
    Rule("DROP SQL FUNCTION", DropFunction, FLINK, hint="use a view"),
    Rule("CACHE TABLE", CacheTable, FLINK, hint="use CREATE VIEW, or INSERT INTO a table"),
    Rule("IF", If, FLINK, hint="decide in the query, with CASE"),
    Rule("ASSERT", Assert, FLINK, hint="check the rows in another script"),
    Rule("FLUSH", Flush, FLINK, hint="leave it out"),
    Rule("DECLARE", Declare, BOTH, hint="write the value where the parameter is used"),
    Rule(
        "SHOW of SQLRec's objects",
        Show,
        FLINK,
        _kind(ObjectKind.SERVICE, ObjectKind.API, ObjectKind.FUNCTION, ObjectKind.CHECKPOINT),
        ("SHOW",),
        hint=_NO_SERVICES,
    ),
    Rule(
        "DESCRIBE of SQLRec's objects",
        Describe,
        FLINK,
        _kind(ObjectKind.SERVICE, ObjectKind.API, ObjectKind.FUNCTION),
        hint=_NO_SERVICES,
    ),
    Rule(
        "SHOW CREATE of models",
        ShowCreate,
        SQLREC,
        _kind(ObjectKind.MODEL),
        ("SHOW", "CREATE"),
        hint="DESCRIBE MODEL shows the statement in SQLRec",
    ),
    Rule(
        "SHOW CREATE of services, APIs and functions",
        ShowCreate,
        BOTH,
        _kind(ObjectKind.SERVICE, ObjectKind.API, ObjectKind.FUNCTION),
        ("SHOW", "CREATE"),
        hint="DESCRIBE shows the statement in SQLRec",
    ),
    Rule("EXPLAIN of a statement", Explain, BOTH, _explains_other, ("EXPLAIN",), "explain queries only"),
)
"""Statements that are refused as a whole; nothing more is said about one then."""

CLAUSES = (
    Rule("VALIDATE ON", TrainModel, BOTH, _given("validation"), hint="leave it out: a share is held out"),
    Rule(
        "a query after ON",
        (TrainModel, ExportModel),
        BOTH,
        _on_query,
        ("ON", "("),
        hint="put the rows into a table and name it",
    ),
    Rule(
        "a column list without INPUT and OUTPUT",
        CreateModel,
        FLINK,
        _given("columns"),
        ("(",),
        hint="write INPUT (…) OUTPUT (…)",
    ),
    Rule("INPUT", CreateModel, SQLREC, _given("inputs"), hint="write the columns without INPUT and OUTPUT"),
    Rule("OUTPUT", CreateModel, SQLREC, _given("outputs"), hint="leave it out"),
    Rule("COMMENT", CreateModel, SQLREC, _given("comment"), hint="write it as -- comment"),
    Rule(
        "AS query", CreateModel, SQLREC, _given("query"), ("AS",), hint="TRAIN MODEL … ON a table of the rows"
    ),
    Rule("OR REPLACE", (CreateModel, CreateService), SQLREC, _given("replace"), hint=_BY_HAND),
    Rule(
        "TEMPORARY",
        (CreateModel, DropModel),
        SQLREC,
        _given("temporary"),
        hint="leave it out, and drop the model in the end",
    ),
    Rule(
        "ON MODELS",
        CreateService,
        SQLREC,
        _given("others"),
        ("ON", "MODELS"),
        hint="create a service of each model",
    ),
    Rule(
        "WITH options of an API",
        CreateApi,
        BOTH,
        _given("options"),
        ("WITH", "("),
        hint="give the API's server flags, and leave the options out",
    ),
    Rule("a model name with a database", _MODELS, SQLREC, _qualified, (".",), hint=_SIMPLE_NAME),
    Rule("IF EXISTS before DROP CHECKPOINT", AlterModel, SQLREC, _given("if_exists"), ("IF", "EXISTS")),
    Rule("LIKE", Call, FLINK, _calls_with("like"), hint=_CALL),
    Rule("PARTITION BY … SIZE", Call, FLINK, _calls_with("chunks"), ("PARTITION",), hint=_CALL),
    Rule("ASYNC", Call, FLINK, _calls_with("is_async"), hint=_CALL),
    Rule("CALL GET(…)", Call, FLINK, _calls_variable, ("CALL",), hint="name the function"),
    Rule(
        "FROM, IN or LIKE in SHOW",
        Show,
        SQLREC,
        _filters,
        ("SHOW",),
        hint="list them all",
    ),
    Rule(
        "FROM or IN in SHOW CHECKPOINTS",
        Show,
        SQLREC,
        _checkpoints_from,
        ("SHOW", "CHECKPOINTS"),
        hint="write SHOW CHECKPOINTS model",
    ),
    Rule(
        "CHECKPOINT in DESCRIBE",
        Describe,
        FLINK,
        _given("checkpoint"),
        ("CHECKPOINT",),
        hint="describe the model",
    ),
    Rule("FORMATTED", Describe, FLINK, _has("FORMATTED"), hint="write DESCRIBE EXTENDED for tables"),
    Rule(
        "FORMATTED with a table",
        Describe,
        SQLREC,
        _describes(ObjectKind.TABLE, "FORMATTED"),
        ("FORMATTED",),
        hint="write EXTENDED",
    ),
    Rule(
        "EXTENDED with a model",
        Describe,
        BOTH,
        _describes(ObjectKind.MODEL, "EXTENDED"),
        ("EXTENDED",),
        hint="leave EXTENDED out",
    ),
    Rule(
        "USE DATABASE",
        Use,
        BOTH,
        _uses_database,
        hint="write USE name",
    ),
    Rule("CROSS APPLY", (Select, Insert, CacheTable), BOTH, _has("CROSS", "APPLY"), hint="use LATERAL TABLE"),
    Rule("OUTER APPLY", (Select, Insert, CacheTable), BOTH, _has("OUTER", "APPLY"), hint="use LATERAL TABLE"),
    *(
        Rule(
            function,
            (Select, Insert, CacheTable),
            SQLREC,
            _has(function, "("),
            hint="CALL call_service(…) asks a model in SQLRec",
        )
        for function in ("ML_PREDICT", "ML_EVALUATE", "ML_EMBED", "VECTOR_SEARCH")
    ),
)
"""Clauses that are refused inside a statement that is not."""
