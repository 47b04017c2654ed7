"""Statements as dataclasses. Every name, option and clause knows where it was written."""

from __future__ import annotations

from sqlrec.sql.statements.control import Assert, Flush, If
from sqlrec.sql.statements.functions import (
    CreateApi,
    CreateFunction,
    DefineInput,
    DropApi,
    DropFunction,
    Return,
)
from sqlrec.sql.statements.models import (
    AlterModel,
    CreateModel,
    DropAlias,
    DropCheckpoint,
    DropModel,
    EvaluateModel,
    ExportModel,
    RenameTo,
    ResetOptions,
    SetAlias,
    SetOptions,
    TrainModel,
)
from sqlrec.sql.statements.parts import (
    Base,
    Column,
    Columns,
    DataSource,
    Ident,
    OptionItem,
    QueryText,
    Text,
    Variable,
)
from sqlrec.sql.statements.rows import (
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Chunks,
    CreateTable,
    Insert,
    InsertMode,
    LikeFunction,
    Select,
)
from sqlrec.sql.statements.services import (
    AlterService,
    CreateService,
    DropService,
    Promote,
    RollbackService,
    ServeCheckpoint,
)
from sqlrec.sql.statements.session import (
    Declare,
    Describe,
    Explain,
    Namespace,
    ObjectKind,
    ResetOption,
    SetOption,
    Show,
    ShowCreate,
    Use,
)

Statement = (
    AlterModel
    | AlterService
    | Assert
    | CacheTable
    | Call
    | CreateApi
    | CreateFunction
    | CreateModel
    | CreateService
    | CreateTable
    | Declare
    | DefineInput
    | Describe
    | DropApi
    | DropFunction
    | DropModel
    | DropService
    | EvaluateModel
    | Explain
    | ExportModel
    | Flush
    | If
    | Insert
    | ResetOption
    | Return
    | RollbackService
    | Select
    | SetOption
    | Show
    | ShowCreate
    | TrainModel
    | Use
)

__all__ = [
    "AlterModel",
    "AlterService",
    "Assert",
    "Base",
    "CacheTable",
    "Call",
    "CallArgument",
    "CallBody",
    "Chunks",
    "Column",
    "Columns",
    "CreateApi",
    "CreateFunction",
    "CreateModel",
    "CreateService",
    "CreateTable",
    "DataSource",
    "Declare",
    "DefineInput",
    "Describe",
    "DropAlias",
    "DropApi",
    "DropCheckpoint",
    "DropFunction",
    "DropModel",
    "DropService",
    "EvaluateModel",
    "Explain",
    "ExportModel",
    "Flush",
    "Ident",
    "If",
    "Insert",
    "InsertMode",
    "LikeFunction",
    "Namespace",
    "ObjectKind",
    "OptionItem",
    "Promote",
    "QueryText",
    "RenameTo",
    "ResetOption",
    "ResetOptions",
    "Return",
    "RollbackService",
    "Select",
    "ServeCheckpoint",
    "SetAlias",
    "SetOption",
    "SetOptions",
    "Show",
    "ShowCreate",
    "Statement",
    "Text",
    "TrainModel",
    "Use",
    "Variable",
]
