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
    Assignment,
    CacheTable,
    Call,
    CallArgument,
    CallBody,
    Chunks,
    Delete,
    Insert,
    InsertMode,
    LikeFunction,
    Select,
    Truncate,
    Update,
)
from sqlrec.sql.statements.services import (
    AlterService,
    CreateService,
    DropService,
    Promote,
    RollbackService,
    ServeCheckpoint,
    ServiceModel,
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
from sqlrec.sql.statements.tables import (
    ComputedColumn,
    CreateDatabase,
    CreateTable,
    CreateView,
    DropDatabase,
    DropTable,
    DropView,
    MetadataColumn,
    PrimaryKey,
    TableColumn,
    TableColumns,
    Watermark,
)

Statement = (
    AlterModel
    | AlterService
    | Assert
    | CacheTable
    | Call
    | CreateApi
    | CreateDatabase
    | CreateFunction
    | CreateModel
    | CreateService
    | CreateTable
    | CreateView
    | Declare
    | DefineInput
    | Delete
    | Describe
    | DropApi
    | DropDatabase
    | DropFunction
    | DropModel
    | DropService
    | DropTable
    | DropView
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
    | Truncate
    | Update
    | Use
)

__all__ = [
    "AlterModel",
    "AlterService",
    "Assert",
    "Assignment",
    "Base",
    "CacheTable",
    "Call",
    "CallArgument",
    "CallBody",
    "Chunks",
    "Column",
    "Columns",
    "ComputedColumn",
    "CreateApi",
    "CreateDatabase",
    "CreateFunction",
    "CreateModel",
    "CreateService",
    "CreateTable",
    "CreateView",
    "DataSource",
    "Declare",
    "DefineInput",
    "Delete",
    "Describe",
    "DropAlias",
    "DropApi",
    "DropCheckpoint",
    "DropDatabase",
    "DropFunction",
    "DropModel",
    "DropService",
    "DropTable",
    "DropView",
    "EvaluateModel",
    "Explain",
    "ExportModel",
    "Flush",
    "Ident",
    "If",
    "Insert",
    "InsertMode",
    "LikeFunction",
    "MetadataColumn",
    "Namespace",
    "ObjectKind",
    "OptionItem",
    "PrimaryKey",
    "Promote",
    "QueryText",
    "RenameTo",
    "ResetOption",
    "ResetOptions",
    "Return",
    "RollbackService",
    "Select",
    "ServeCheckpoint",
    "ServiceModel",
    "SetAlias",
    "SetOption",
    "SetOptions",
    "Show",
    "ShowCreate",
    "Statement",
    "TableColumn",
    "TableColumns",
    "Text",
    "TrainModel",
    "Truncate",
    "Update",
    "Use",
    "Variable",
    "Watermark",
]
