"""The blocks of SQL functions in a script: CREATE SQL FUNCTION, its inputs, its body, RETURN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sqlrec.errors import Diagnostic, Span
from sqlrec.sql.script import parse
from sqlrec.sql.statements import CreateFunction, DefineInput, Return, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionBlock:
    """One function as written. ``text`` is the script in which the places are; no RETURN: it is not whole."""

    text: str = field(repr=False)
    create: CreateFunction
    inputs: tuple[DefineInput, ...] = ()
    body: tuple[Statement, ...] = ()
    returns: Return | None = None

    @property
    def name(self) -> str:
        """The function's name."""
        return self.create.name.text

    @property
    def returned(self) -> str:
        """The table of RETURN; empty when nothing is returned."""
        return self.returns.table.text if self.returns and self.returns.table else ""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of it, in order."""
        return (self.create, *self.inputs, *self.body, *((self.returns,) if self.returns else ()))

    @property
    def span(self) -> Span:
        """From CREATE to the end of what there is."""
        return self.create.span.to(self.statements[-1].span)


Unit = Statement | FunctionBlock
"""What a script consists of."""


def grouped(statements: Iterable[Statement], text: str) -> tuple[list[Unit], list[Diagnostic]]:
    """The statements of a script with its functions as blocks, and what is wrong with their form."""
    units: list[Unit] = []
    found: list[Diagnostic] = []
    block: FunctionBlock | None = None
    for statement in statements:
        match statement:
            case CreateFunction():
                if block is not None:
                    units.append(block)
                    found.append(_open(block))
                block = FunctionBlock(text=text, create=statement)
            case DefineInput() | Return() if block is None:
                found.append(_outside(statement, units))
            case _ if block is None:
                units.append(statement)
            case Return():
                units.append(replace(block, returns=statement))
                block = None
            case DefineInput():
                found += _late(statement, block)
                block = replace(block, inputs=(*block.inputs, statement))
            case _:
                block = replace(block, body=(*block.body, statement))
    if block is not None:
        units.append(block)
        found.append(_open(block))
    return units, found


def registered_block(source: str) -> FunctionBlock:
    """The block of a function as the registry keeps it."""
    units, _ = grouped(parse(source).statements, source)
    (block,) = units
    assert isinstance(block, FunctionBlock), "a function is stored as its block"
    return block


def _open(block: FunctionBlock) -> Diagnostic:
    return Diagnostic(
        code="SR242",
        message=f"function define end without return: {block.name}",
        span=block.create.span,
        hint="a function is terminated with RETURN, or RETURN table",
    )


def _outside(statement: DefineInput | Return, units: list[Unit]) -> Diagnostic:
    if isinstance(statement, DefineInput):
        return Diagnostic(
            code="SR242",
            message="sql before function definition is invalid: DEFINE INPUT TABLE stands outside a function",
            span=statement.span,
            hint="let CREATE SQL FUNCTION name stand before it",
        )
    ended = next((u.name for u in reversed(units) if isinstance(u, FunctionBlock)), "")
    return Diagnostic(
        code="SR242",
        message="sql after return is invalid: RETURN stands outside a function",
        span=statement.span,
        hint=f"function {ended} ends at its first RETURN"
        if ended
        else "let CREATE SQL FUNCTION stand before",
    )


def _late(statement: DefineInput, block: FunctionBlock) -> Iterator[Diagnostic]:
    if block.body:
        yield Diagnostic(
            code="SR242",
            message="DEFINE INPUT TABLE stands within the body of a function",
            span=statement.span,
            hint="define the inputs right after CREATE SQL FUNCTION",
        )
