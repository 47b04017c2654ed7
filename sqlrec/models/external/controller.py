"""``model = 'external'``: a service that somebody else runs, asked as our own are.

Nothing is trained or exported. The definition says what is sent and what comes back, the option ``url``, of
the service or else of the model, where.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlrec.models.controller import ModelController, Problem, Programs
from sqlrec.models.described import MODEL, common_options
from sqlrec.spec.access import CA_FILE
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, Option, OptionKind, OptionSet, Scope, canonical_key
from sqlrec.spec.schema import DataType, Field, Schema

URL = "url"
HEADER = "header."
"""What the options begin with that are headers of each request."""
OUTPUTS = "output_columns"
BOTH = frozenset({Scope.MODEL, Scope.SERVICE})

OPTIONS = OptionSet(
    (
        Option(
            key="model",
            kind=OptionKind.STRING,
            doc="Type of the model.",
            scopes=MODEL,
            required=True,
            choices=("external",),
        ),
        Option(
            key=OUTPUTS,
            kind=OptionKind.STRING,
            doc="What comes back, name:type, … as in 'score:float, tags:array<string>'; or write OUTPUT.",
            scopes=MODEL,
        ),
        Option(
            key=URL,
            kind=OptionKind.STRING,
            doc="Where requests go, http://… or https://…; that of the service before that of the model.",
            scopes=BOTH,
        ),
        Option(
            key=HEADER + "{f}",
            kind=OptionKind.STRING,
            doc="Header of each request, such as header.authorization, as a reference to a secret.",
            scopes=BOTH,
            sensitive=True,
        ),
        Option(
            key=CA_FILE,
            kind=OptionKind.STRING,
            doc="PEM file with the authorities that callers trust, where they run; unset: the public ones.",
            scopes=BOTH,
        ),
        Option(
            key="batch_size",
            kind=OptionKind.INT,
            doc="Rows of a request.",
            scopes=MODEL,
            minimum=1,
        ),
        Option(
            key="label_columns",
            kind=OptionKind.STRING_LIST,
            doc="Column with the truth, for ML_EVALUATE; it is not sent.",
            scopes=MODEL,
        ),
        *common_options(),
    )
)


@dataclass(frozen=True, slots=True)
class ExternalModel:
    """Controller of models that run elsewhere."""

    type: str = "external"
    doc: str = "A service that somebody else runs at a URL, which speaks the protocol of services."
    options: OptionSet = OPTIONS
    programs: Programs = Programs()

    def outputs(self, columns: Schema, options: dict[str, object]) -> Schema:
        """The well-formed entries of ``output_columns``."""
        found = (_entry(text) for text in entries(str(options.get(OUTPUTS) or "")))
        return Schema(tuple(field for field in found if field))

    def check(self, model: ModelSpec) -> Iterable[Problem]:
        """All that is wrong with a definition."""
        given = {canonical_key(key): str(value) for key, value in model.options.items()}
        yield from _outputs(given.get(OUTPUTS, ""))
        missing = [] if len(model.features) else ["columns (name TYPE, …)"]
        if not len(model.outputs) and OUTPUTS not in given:
            missing.append("the option output_columns, or OUTPUT (name TYPE, …)")
        if missing:
            yield Problem(
                code="SR427",
                message=f"an external model needs {' and '.join(missing)}",
                hint="say what is sent, and what comes back",
            )
        if URL in given and (problem := url_problem(given[URL])):
            yield Problem(code="SR465", message=problem, hint=URL_HINT, option=URL)

    def exports(self, checkpoint: str) -> tuple[str, ...]:
        """None: there is nothing to export."""
        return ()

    def resources(self, options: dict[str, Effective]) -> Resources:
        """The default, since nothing runs here."""
        return Resources()

    def topology(self, options: dict[str, Effective]) -> Topology:
        """The default, since nothing runs here."""
        return Topology()


CONTROLLER = ExternalModel()
URL_HINT = "write url = 'http://host:port/predict'"


def runs_elsewhere(controller: ModelController) -> bool:
    """Whether services of the type are URLs, not processes of ours."""
    option = controller.options.find(URL)
    return option is not None and Scope.SERVICE in option.scopes


def url_problem(url: str) -> str:
    """Why a text can be no URL of a service; empty when it can."""
    try:
        parts = urlsplit(url)
        parsed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parsed = False
    return "" if parsed else f"{url!r} is no URL of a service"


def entries(text: str) -> list[str]:
    """The entries of ``output_columns``: commas within a type separate nothing."""
    depth, parts = 0, [""]
    for character in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts] if text.strip() else []


def _entry(text: str) -> Field | None:
    name, _, kind = text.partition(":")
    if not re.fullmatch(r"[^\W\d]\w*", name.strip()):
        return None
    try:
        return Field(name=name.strip(), type=DataType.parse(kind))
    except ValueError:
        return None


def _outputs(text: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for entry in entries(text):
        field = _entry(entry)
        if field is None or field.name.casefold() in seen:
            why = f"names {field.name!r} twice" if field else f"holds {entry!r}, which is no name:type"
            yield Problem(
                code="SR464",
                message=f"output_columns {why}",
                hint="write it like 'score:float, tags:array<string>'",
                option=OUTPUTS,
            )
        seen.add(field.name.casefold() if field else "")
