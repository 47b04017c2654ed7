"""The page of the language: statements, ML functions, options of every model type, settings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from sqlrec import settings
from sqlrec.cli.referencing_errors import NOTICE
from sqlrec.codes.statements import StatementEntry, statement_entries
from sqlrec.models.api_options import API_OPTIONS
from sqlrec.models.controller import ModelController
from sqlrec.models.lookup import BUILT_IN, PROVIDER, get_controller
from sqlrec.plan.script_options import SCRIPT_OPTIONS
from sqlrec.plan.tables import TABLE_OPTIONS
from sqlrec.spec.group import GROUP_OPTIONS
from sqlrec.spec.options import Option, OptionKind, Parsed, Scope
from sqlrec.sql.inference_config import CONFIG_OPTIONS

LEXICAL = """\
- Statements end with `;`. Key words are read in any case, and none is reserved.
- Names are bare words or stand in back-quotes. Models and tables have up to three parts
  (`catalog.database.model`), everything else one.
- Strings are `'…'`, a quote in one is written twice. Where only a string can stand, `"…"` is one, too.
- Options are `key = value`: the key bare or quoted, the value a string, a number or TRUE/FALSE. `-` and `_`
  are equal in keys, case does not count.
- `'{{ … }}'` is a template: `ds`, `run_id`, `params.name` and what else Airflow gives a task. It is bound,
  never pasted into a query.
- A secret is the whole value of an option: `'{{ secret.NAME }}'` or `'{{ conn.ID.FIELD }}'`.
- `-- …` and `/* … */` are comments.
- In the grammar below `[…]` may be left out, `(a | b)` is a choice, `…` repeats what stands before it.
"""
MODEL_TYPES = """
## Model types and their options

An option of CREATE MODEL that may also stand in another statement is overridden there. The default holds
where neither states the option.
"""
PROVIDERS = """
### Remote models: provider

With `provider`, `model` is the name of the model at its provider. A key may have the provider's name before
it (`openai.api_key`), be written in camel case, or be one of the other names below.
"""


def sql_page() -> str:
    """docs/sql.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# The language", "", NOTICE, "", LEXICAL.rstrip())
    for group, members in groupby(statement_entries(), key=lambda entry: entry.group):
        yield from ("", f"## {group}")
        for entry in members:
            yield from _statement(entry)
    yield from ("", "CONFIG of these functions, as `MAP['key', 'value', …]`:", "")
    yield from _table(CONFIG_OPTIONS.options, scopes=False)
    yield from _model_types()
    yield from _group()
    yield from _api()
    yield from _settings()


def _statement(entry: StatementEntry) -> Iterator[str]:
    yield from ("", f"### {entry.name}", "", entry.text, "")
    yield from ("```", entry.grammar, "```", "", "```sql", entry.example, "```")


def _group() -> Iterator[str]:
    yield from ("", "## Options of CREATE SERVICE … ON MODELS", "")
    yield "Beside those of the first model's type, see [serving](serving.md#several-models-behind-one-url):"
    yield ""
    yield from _table(GROUP_OPTIONS.options, scopes=False)


def _api() -> Iterator[str]:
    yield from ("", "## Options of CREATE API", "")
    yield "Those of services that say how a server is run, see [an API](functions.md#an-api):"
    yield ""
    yield from _table(API_OPTIONS.options, scopes=False)


def _model_types() -> Iterator[str]:
    yield MODEL_TYPES.rstrip()
    for name in BUILT_IN:
        if not name.startswith(PROVIDER):
            controller = get_controller(name)
            yield from ("", f"### {name}", "", controller.doc, "")
            yield from _table(controller.options.options, scopes=True)
    yield from _providers()


def _providers() -> Iterator[str]:
    """One table for all providers, since most of their options are the same."""
    known = {
        name.removeprefix(PROVIDER): get_controller(name) for name in BUILT_IN if name.startswith(PROVIDER)
    }
    yield PROVIDERS
    yield from (f"- `{name}`: {controller.doc}" for name, controller in known.items())
    yield ""
    yield "| option | other names | type | default | providers | meaning |"
    yield "|---|---|---|---|---|---|"
    for keys, option, doc in _described(_merged(known)):
        aliases = ", ".join(f"`{alias}`" for alias in option.aliases)
        providers = _known_to(option, known)
        cells = (keys, aliases, _type(option), _default(option), providers, doc)
        yield f"| {' | '.join(cells)} |"


def _known_to(option: Option, known: Mapping[str, ModelController]) -> str:
    """The providers that have an option, or those that lack it when they are fewer."""
    having = [name for name, controller in known.items() if option in controller.options.options]
    lacking = [name for name in known if name not in having]
    if len(lacking) >= len(having):
        return ", ".join(having)
    return f"all but {', '.join(lacking)}" if lacking else "all"


def _merged(known: Mapping[str, ModelController]) -> Iterator[Option]:
    """The options of all providers, each once; ``provider`` itself is what their names are."""
    options = (option for controller in known.values() for option in controller.options.options)
    yield from (option for option in dict.fromkeys(options) if option.key != "provider")


def _settings() -> Iterator[str]:
    yield from ("", "## Options of CREATE TABLE", "")
    yield from _table(TABLE_OPTIONS.options, scopes=False)
    yield from ("", "## Settings of a script", "", "With `SET 'key' = 'value'`:", "")
    yield from _table(SCRIPT_OPTIONS.options, scopes=False)
    yield from ("", "## Settings of a project", "")
    yield f"Keys of `{settings.FILE}`, or variables such as `{settings.PREFIX}WORK_DIR`, which go before it:"
    yield from ("", "| key | meaning |", "|---|---|")
    for key, doc in _documented_fields(settings.Settings).items():
        if key in settings.DEFAULTS:
            yield f"| `{key}` | {doc.replace('``', '`')} |"


def _documented_fields(cls: type) -> dict[str, str]:
    """Fields of a dataclass with the texts below them, which only the source holds."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(cls)) + "\n").body[0]
    fields, name = {}, ""
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            fields[name], name = str(node.value.value), ""
    return fields


def _table(options: Iterable[Option], *, scopes: bool) -> Iterator[str]:
    where = (" statements |", "---|") if scopes else ("", "")
    yield f"| option | type | default |{where[0]} meaning |"
    yield f"|---|---|---|{where[1]}---|"
    for keys, option, doc in _described(options):
        cells = [keys, _type(option), _default(option), *([_scopes(option)] if scopes else [])]
        yield f"| {' | '.join([*cells, doc])} |"


def _described(options: Iterable[Option]) -> Iterator[tuple[str, Option, str]]:
    """The first cell and the last of each option's row; both bounds of a metric are one row."""
    rows = list(options)
    keys = {option.key for option in rows}
    for option in rows:
        side, _, metric = option.key.partition("_")
        if side == "max" and f"min_{metric}" in keys:
            continue
        name, doc = f"`{option.key.replace('{f}', 'NAME')}`", option.doc
        if side == "min" and f"max_{metric}" in keys:
            name, doc = f"{name}, `max_{metric}`", doc.replace("The least", "The least and greatest", 1)
        yield name, option, doc


def _scopes(option: Option) -> str:
    return ", ".join(scope.value for scope in Scope if scope in option.scopes)


def _type(option: Option) -> str:
    if option.choices:
        one_of = ", ".join(f"`{choice}`" for choice in option.choices)
        return f"list of {one_of}" if option.kind is OptionKind.STRING_LIST else one_of
    if option.sensitive:
        return "secret"
    bounded = option.minimum is not None or option.maximum is not None
    return f"{option.kind}, {option.range_text}" if bounded else option.kind.value


def _default(option: Option) -> str:
    if option.required:
        return "required"
    return f"`{_written(option.default)}`" if option.default not in (None, (), "") else ""


def _written(value: Parsed) -> str:
    """A value as a script writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
