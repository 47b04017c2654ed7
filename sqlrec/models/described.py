"""Models that are known but not made here: those of a provider, of a file, or of a trainer to come.

They are registered, shown, altered and dropped like any other; what they lack is the heavy half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlrec.models.controller import Problem, Programs
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, OptionValue, Scope
from sqlrec.spec.schema import Schema
from sqlrec.spec.task import ALIASES, Task

MODEL = frozenset({Scope.MODEL})

Rule = Callable[[ModelSpec, Mapping[str, OptionValue]], Iterable[Problem]]
"""Gets the model and its options by the canonical keys of their declarations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedModel:
    """Controller of a type without programs. Its columns are those that the statement states."""

    type: str
    doc: str
    options: OptionSet
    rules: tuple[Rule, ...] = ()
    programs: Programs = Programs()

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """None of its own: OUTPUT says what such a model answers."""
        return Schema()

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """What the rules of the type find."""
        given = {self.options.canonical(key): value for key, value in model.options.items()}
        return (problem for rule in self.rules for problem in rule(model, given))

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """None: there is nothing to export."""
        return ()

    def resources(self, options: dict[str, Effective]) -> Resources:
        """The default, since no job runs."""
        return Resources()

    def topology(self, options: dict[str, Effective]) -> Topology:
        """The default, since no job runs."""
        return Topology()


def option(key: str, kind: OptionKind, doc: str, *aliases: str) -> Option:
    """An option of CREATE MODEL without a default."""
    return Option(key=key, kind=kind, doc=doc, scopes=MODEL, aliases=aliases)


def choice(key: str, doc: str, *choices: str, default: str | None = None, required: bool = False) -> Option:
    """An option of CREATE MODEL with one of a few values."""
    return Option(
        key=key,
        kind=OptionKind.STRING,
        doc=doc,
        scopes=MODEL,
        choices=choices,
        default=default,
        required=required,
    )


def common_options() -> tuple[Option, ...]:
    """Options that say what a model is about, whatever its type."""
    return (
        choice(
            "task", "What the model is for; it decides what ML_EVALUATE measures.", *Task, *sorted(ALIASES)
        ),
        option("description", OptionKind.STRING, "One line about the model."),
        option("tag", OptionKind.STRING, "A word to find the model by."),
    )


def needs_signature(model: ModelSpec, options: Mapping[str, OptionValue]) -> Iterator[Problem]:
    """The columns of such a model stand in INPUT and OUTPUT, since nothing else tells them."""
    given = {"INPUT": model.columns, "OUTPUT": model.outputs}
    missing = [word for word, columns in given.items() if not len(columns)]
    if missing:
        clauses = " ".join(f"{word} (name TYPE, …)" for word in missing)
        yield Problem(
            code="SR427",
            message=f"a model of type {model.type} needs {' and '.join(missing)}",
            hint=f"write CREATE MODEL {model.name} {clauses} WITH (…)",
        )
