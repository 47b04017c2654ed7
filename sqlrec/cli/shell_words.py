"""Words for the shell itself, and its help."""

from __future__ import annotations

from itertools import groupby
from textwrap import fill, indent

from sqlrec.errors import NameNotFoundError, suggest

LEAVE = ("exit", "quit", "\\q")
HELP = ("help", "\\h", "\\?")
WIDTH = 100


def help_text(topic: str) -> str:
    """About a statement, a setting, a model type or a code; without one, what there is.

    Raises ``NameNotFoundError`` SR732 for a topic that there is not.
    """
    from sqlrec.assist.describe import option_summary
    from sqlrec.codes.index import entries
    from sqlrec.codes.statements import statement_entries
    from sqlrec.plan.script_options import SCRIPT_OPTIONS

    wanted = " ".join(topic.upper().split())
    if not wanted:
        return _overview()
    for statement in statement_entries():
        if statement.name == wanted:
            return (
                f"{fill(statement.text, WIDTH)}\n\n{statement.grammar}\n\n{indent(statement.example, '  ')}"
            )
    if wanted in entries():
        entry = entries()[wanted]
        return f"{entry.code}: {entry.title}\n\n{fill(entry.meaning, WIDTH)}\n\n{fill(entry.fix, WIDTH)}"
    setting = SCRIPT_OPTIONS.find(topic)
    if setting is not None:
        return f"{setting.key} ({option_summary(setting)})\n\n{fill(setting.doc, WIDTH)}"
    beginning = [s.name for s in statement_entries() if s.name.startswith(f"{wanted} ")]
    if beginning:
        return "\n".join(f"help {name}" for name in beginning)
    return _model_type(topic)


def _overview() -> str:
    from sqlrec.codes.statements import statement_entries

    lines = ["Statements end with ; and may take several lines. help NAME tells more:", ""]
    for group, members in groupby(statement_entries(), key=lambda entry: entry.group):
        lines.append(fill(f"{group}: {', '.join(e.name for e in members)}", WIDTH, subsequent_indent="  "))
    lines += ["", "help MODEL_TYPE lists the options of a type, help dag.schedule tells about a setting,"]
    lines += ["help CODE explains a message."]
    lines += ["Tab completes, Up goes back in history, Ctrl-C stops what is at work, exit or Ctrl-D leaves."]
    return "\n".join(lines)


def _model_type(topic: str) -> str:
    from sqlrec.assist.describe import option_summary
    from sqlrec.codes.statements import statement_entries
    from sqlrec.models.lookup import get_controller, model_types

    if topic.casefold() not in model_types():
        known = (*model_types(), *(entry.name for entry in statement_entries()))
        hint = suggest(topic, known) or "help alone lists what there is"
        raise NameNotFoundError("SR732", f"there is no help about {topic!r}", hint=hint)
    controller = get_controller(topic)
    lines = [f"  {option.key} ({option_summary(option)})" for option in controller.options.options]
    return "\n".join([controller.doc, "", *lines])
