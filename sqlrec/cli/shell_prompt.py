"""The shell's prompt: several lines up to ``;``, history, completion, colours. Needs prompt_toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer

from sqlrec.artifacts.durable import make_folder, writing
from sqlrec.assist.completion import complete
from sqlrec.assist.notation import keywords
from sqlrec.assist.world import World
from sqlrec.cli.shell_words import HELP, LEAVE
from sqlrec.errors import SqlRecError
from sqlrec.sql.blocks import is_complete
from sqlrec.sql.lexer import Kind, comments, tokens

HISTORY = "shell_history"
KEYWORD, COMMENT = "ansiblue bold", "ansibrightblack"
STYLES = {Kind.STRING: "ansigreen", Kind.DOUBLE: "ansigreen", Kind.NUMBER: "ansicyan"}


def open_prompt(world: World, work_dir: Path) -> Callable[[str], str]:
    """What asks for the next statements, behind a prompt; names are completed from ``world``.

    It raises ``EOFError`` on Ctrl-D and ``KeyboardInterrupt`` on Ctrl-C. Raises ``SetupError`` SR703 when the
    history cannot be written.
    """
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(_private(make_folder(work_dir) / HISTORY))),
        completer=ThreadedCompleter(StatementCompleter(world)),
        complete_while_typing=True,
        lexer=StatementLexer(),
        multiline=True,
        key_bindings=_bindings(),
        prompt_continuation=lambda width, number, wrapped: "...> ".rjust(width),
    )
    return session.prompt


def _private(path: Path) -> Path:
    """Make a file that others cannot read: statements may hold what they should not."""
    with writing(path):
        path.touch(mode=0o600)
    return path


def is_whole(text: str) -> bool:
    """Whether Enter ends the input: its statements are complete, or it is a word for the shell itself."""
    first = (text.split() or [""])[0].rstrip(";").casefold()
    return first in (*HELP, *LEAVE) or is_complete(text)


def _bindings() -> KeyBindings:
    """Enter takes the chosen completion, or ends whole input, or begins a line; Alt-Enter begins a line."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:
            buffer.apply_completion(state.current_completion)
        elif is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @bindings.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


class StatementCompleter(Completer):
    """Completion for prompt_toolkit."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What fits at the cursor; while typing, only what goes on from a word."""
        if not complete_event.completion_requested and not document.get_word_before_cursor(WORD=True):
            return
        yield from self._found(document)

    def _found(self, document: Document) -> Iterator[Completion]:
        offset = document.cursor_position
        try:
            candidates = complete(document.text, offset, self._world)
        except SqlRecError:  # a registry out of reach is told when a statement is done
            return
        for found in candidates:
            yield Completion(found.text, start_position=found.start - offset, display_meta=found.detail)


class StatementLexer(Lexer):
    """Colours for prompt_toolkit: keywords, literals and comments."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The coloured lines by number."""
        lines = list(split_lines(_coloured(document.text)))
        return lambda number: lines[number] if number < len(lines) else []


def _coloured(text: str) -> StyleAndTextTuples:
    pieces = [(place.start, place.end, COMMENT) for place in comments(text)]
    for token in tokens(text):
        style = KEYWORD if token.kind is Kind.WORD and token.key in keywords() else STYLES.get(token.kind, "")
        pieces.append((token.start, token.end, style))
    found: StyleAndTextTuples = []
    position = 0
    for start, end, style in sorted(pieces):
        found += (("", text[position:start]), (style, text[start:end]))
        position = end
    return [*found, ("", text[position:])]
