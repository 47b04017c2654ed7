"""The language server: what it answers to an editor. Needs pygls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from sqlrec import __version__
from sqlrec.assist import describe
from sqlrec.assist.completion import complete
from sqlrec.assist.hover import hover
from sqlrec.assist.outline import definition_at, symbols
from sqlrec.assist.positions import UTF_16, Lines
from sqlrec.assist.world import Project
from sqlrec.cli import languageserver_convert as convert
from sqlrec.cli.compiling import catalog_of
from sqlrec.cli.project import settings_at
from sqlrec.cli.reaching import Reach
from sqlrec.codes.index import entries
from sqlrec.errors import Diagnostic, ScriptError, SqlRecError
from sqlrec.sql.formatting import format_script

T = TypeVar("T")
Question = Callable[[str, int, Project], T]
"""What is asked about a script, a place in it, and its project."""
DEBOUNCE_SECONDS = 0.2
"""Quiet time after a change before a script is judged again."""
TRIGGERS = ("'", ".", "(", "=", "{")
"""Characters after which editors ask for completion, beside letters."""


@dataclass(slots=True)
class Documents:
    """The scripts that are open: what is wrong with them, and the judging that is under way."""

    server: LanguageServer
    found: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    waiting: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def lines(self, uri: str) -> Lines:
        """The text of a script."""
        agreed = self.server.workspace.position_encoding
        encoding = agreed.value if isinstance(agreed, types.PositionEncodingKind) else agreed
        return Lines(self.server.workspace.get_text_document(uri).source, encoding or UTF_16)

    def path(self, uri: str) -> Path:
        """Where a script is; one that is in no file has a name in the current folder."""
        return Path(self.server.workspace.get_text_document(uri).path or "untitled.sql")

    def world(self, uri: str) -> Project:
        """The project a script belongs to, as it is now."""
        from sqlrec.data.source import known_tables

        chosen = settings_at(self.path(uri).absolute().parent)
        return Project(
            catalog=catalog_of(chosen),
            columns=Reach(chosen),
            warehouse=lambda: known_tables(chosen.warehouse),
        )

    def ask(self, uri: str, position: types.Position, question: Question[T]) -> T | None:
        """The answer to a question about a place; none when the registry is out of reach, as is told."""
        lines = self.lines(uri)
        with suppress(SqlRecError):
            return question(lines.text, convert.offset_of(lines, position), self.world(uri))
        return None

    def judge_soon(self, uri: str) -> None:
        """Judge a script when it has not changed for a moment."""
        self.forget(uri)
        self.waiting[uri] = asyncio.get_running_loop().create_task(self._judge_later(uri))

    def forget(self, uri: str) -> None:
        """Leave a judging that is under way."""
        task = self.waiting.pop(uri, None)
        if task is not None:
            task.cancel()

    async def _judge_later(self, uri: str) -> None:
        await asyncio.sleep(DEBOUNCE_SECONDS)
        await self.judge(uri)

    async def judge(self, uri: str) -> None:
        """Tell the editor what is wrong with a script, unless it has changed meanwhile."""
        document = self.server.workspace.get_text_document(uri)
        version, lines = document.version, self.lines(uri)
        try:
            found = await asyncio.to_thread(judged, lines.text, self.path(uri), self.world(uri))
        except SqlRecError as error:
            message = types.ShowMessageParams(type=types.MessageType.Error, message=str(error))
            self.server.window_show_message(message)
            return
        if self.server.workspace.get_text_document(uri).version == version:
            self.found[uri] = found
            self.publish(uri, version, [convert.diagnostic_of(lines, d) for d in found])

    def publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        """Send findings."""
        self.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=found)
        )


def judged(text: str, path: Path, world: Project) -> tuple[Diagnostic, ...]:
    """All findings of a script."""
    from sqlrec.plan.build import build_plan
    from sqlrec.plan.masking import masked_findings

    try:
        plan = build_plan(
            text,
            path=str(path),
            name=path.stem,
            catalog=world.catalog,
            controllers=world.controllers,
            columns=world.columns,
        )
    except ScriptError as error:
        return error.diagnostics
    return masked_findings(plan.warnings, text)[0]


def make_server() -> LanguageServer:
    """The server with all its features. Whole texts are exchanged, so that lines are counted in one way."""
    server = LanguageServer("sqlrec", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
    documents = Documents(server)
    _add_judging(server, documents)
    _add_writing(server, documents)
    _add_reading(server, documents)
    return server


def _add_judging(server: LanguageServer, documents: Documents) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await documents.judge(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        documents.judge_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        documents.judge_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        documents.forget(params.text_document.uri)
        documents.found.pop(params.text_document.uri, None)
        documents.publish(params.text_document.uri, None, [])


def _add_writing(server: LanguageServer, documents: Documents) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list(TRIGGERS))
    )
    def completion(params: types.CompletionParams) -> types.CompletionList:
        lines = documents.lines(params.text_document.uri)
        found = documents.ask(params.text_document.uri, params.position, complete) or []
        items = [convert.item_of(lines, candidate, number) for number, candidate in enumerate(found)]
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        """A script that cannot be read stays as it is; its findings say why."""
        lines = documents.lines(params.text_document.uri)
        try:
            done = format_script(lines.text, path=params.text_document.uri)
        except ScriptError:
            return []
        return [types.TextEdit(range=convert.whole(lines), new_text=done)] if done != lines.text else []


def _add_reading(server: LanguageServer, documents: Documents) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        lines = documents.lines(uri)
        offset = convert.offset_of(lines, params.position)
        about = documents.ask(uri, params.position, hover)
        here = [d for d in documents.found.get(uri, ()) if d.span.start <= offset < d.span.end]
        known = (entries().get(code) for code in dict.fromkeys(d.code for d in here))
        texts = [*([about.text] if about else []), *(describe.code_text(entry) for entry in known if entry)]
        if not texts:
            return None
        place = convert.range_of(lines, about.span if about else here[0].span)
        return types.Hover(contents=convert.markdown("\n\n---\n\n".join(texts)), range=place)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        lines = documents.lines(params.text_document.uri)
        return [convert.symbol_of(lines, symbol) for symbol in symbols(lines.text)]

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> types.Location | None:
        uri = params.text_document.uri
        lines = documents.lines(uri)
        span = documents.ask(uri, params.position, definition_at)
        return types.Location(uri=uri, range=convert.range_of(lines, span)) if span else None
