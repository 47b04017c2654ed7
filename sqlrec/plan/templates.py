"""Templates in string literals: which names they may use, and which of them are secrets.

Only Jinja's ``{{ … }}`` is allowed, and only to be rendered when a step runs. A small scanner instead of
Jinja itself: compiling needs the names in an expression, not its value, and must not import a template
engine. A secret is never rendered; it becomes the text ``secret:NAME``, resolved by the step's process.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlrec.errors import suggest
from sqlrec.spec.secret import reference

RUN_NAMES = frozenset(
    {
        *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date", "run_id", "map_index"),
        *("data_interval_start", "data_interval_end", "prev_start_date_success", "prev_end_date_success"),
        *("prev_data_interval_start_success", "prev_data_interval_end_success", "triggering_asset_events"),
        *("dag", "dag_run", "task", "task_instance", "ti", "params", "var", "macros", "inlets", "outlets"),
    }
)
"""Names that Airflow gives a template of a task."""

JINJA_NAMES = frozenset(
    {
        *("and", "or", "not", "in", "is", "if", "else", "range", "dict"),
        *("true", "false", "none", "True", "False", "None"),
    }
)

_TEMPLATE = re.compile(r"""\{\{((?:'[^']*'|"[^"]*"|(?!\{\{|\}\}).)*)\}\}""", re.DOTALL)
_STATEMENT = re.compile(r"\{%|\{#")
_STRING = re.compile(r"""'[^']*'|"[^"]*\"""")
_ROOT = re.compile(r"(?<![\w.|])([A-Za-z_]\w*)\b(?!\s*=(?!=))")
_FILTER = re.compile(r"\|\s*\w+|\bis\s+(?:not\s+)?\w+")
_PARAM = re.compile(r"""\bparams\b(?:\s*\.\s*(\w+)|\s*\[\s*['"]([^'"]+)['"]\s*\])?""")
_SECRET = re.compile(
    r"\{\{\s*secret\.(?P<secret>[A-Za-z_][\w.-]*)\s*\}\}"
    r"|\{\{\s*(?P<conn>conn\.[\w-]+\.[\w.-]+)\s*\}\}"
    r"|\{\{\s*sessionconfig/(?:sql\.secrets\.)?(?P<session>[A-Za-z_][\w.-]*)\s*\}\}"
    r"|\$\{secret_values\.(?P<values>[A-Za-z_][\w.-]*)\}"
)


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Something wrong with a template; ``fragment`` is the part of the text to point at."""

    code: str
    message: str
    hint: str
    fragment: str


def is_templated(text: object) -> bool:
    """Whether a value is a string that is rendered when the step runs."""
    return isinstance(text, str) and "{{" in text


def canonical(text: str) -> str:
    """The text with one blank inside each pair of braces, so that two spellings compare equal."""
    return _TEMPLATE.sub(lambda match: "{{ " + match[1].strip() + " }}", text)


def secret_reference(text: str) -> str:
    """``secret:NAME`` when the whole text is a reference to a secret, else an empty string."""
    match = _SECRET.fullmatch(text.strip())
    return _reference(match) if match else ""


def without_secrets(text: str) -> str:
    """The text with every reference to a secret as ``secret:NAME``, which no template engine sees."""
    return _SECRET.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    return reference(next(name for name in match.groups() if name))


def problems(text: str, params: Collection[str]) -> Iterator[TemplateProblem]:
    """All that is wrong with the templates of ``text``; ``params`` are the declared parameters."""
    if statement := _STATEMENT.search(text):
        yield TemplateProblem(
            "SR308", "only {{ … }} templates are allowed", "compute it in the query instead", statement[0]
        )
    for match in _TEMPLATE.finditer(text):
        yield from _expression_problems(match[0], match[1], params)
    rest = _TEMPLATE.sub("", text)
    if "{{" in rest:
        fragment = rest[rest.index("{{") :] + "'"
        yield TemplateProblem("SR308", "a template is not closed", "end it with }}", fragment)


def _expression_problems(
    template: str, expression: str, params: Collection[str]
) -> Iterator[TemplateProblem]:
    if not expression.strip():
        yield TemplateProblem("SR308", "a template is empty", "name a value, such as {{ ds }}", template)
    for match in _PARAM.finditer(expression):
        name = match[1] or match[2]
        if name not in params:
            yield _unknown_param(name, template, params)
    roots = _ROOT.findall(_FILTER.sub(" ", _STRING.sub(" '' ", expression)))
    for root in dict.fromkeys(roots):
        if root in ("secret", "conn"):
            yield TemplateProblem(
                "SR310",
                f"{template} cannot stand here",
                "a secret is the whole value of an option: '{{ secret.NAME }}' or '{{ conn.ID.FIELD }}'",
                template,
            )
        elif root not in RUN_NAMES | JINJA_NAMES:
            hint = suggest(root, RUN_NAMES) or _declared_hint(root, params)
            yield TemplateProblem("SR309", f"a template has no value called {root!r}", hint, template)


def _declared_hint(root: str, params: Collection[str]) -> str:
    if root in params:
        return f"write {{{{ params.{root} }}}}"
    return "it may use ds, ds_nodash, ts, logical_date, run_id, params.NAME and other names of Airflow"


def _unknown_param(name: str | None, template: str, params: Collection[str]) -> TemplateProblem:
    if name is None:
        return TemplateProblem("SR308", "params needs a name", "write {{ params.NAME }}", template)
    hint = suggest(name, params) or f"add: DECLARE {name} STRING DEFAULT '…'"
    return TemplateProblem("SR309", f"parameter {name!r} is not declared", hint, template)
