"""What a ``pipeline.config`` asks of sqlrec's own trainer.

A file is read by taking what it says of our options, and writing the file anew with them: where the two still
differ, it asks for something that our trainer does not have, and is refused with its line. So a file is
followed in all that makes a model, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from sqlrec.errors import OptionError, SchemaError
from sqlrec.models.deep.dssm import TEMPERATURES
from sqlrec.models.deep.options import EMBEDDING_DIM, column_of
from sqlrec.models.deep.pipeline.architectures import input_width
from sqlrec.models.deep.pipeline.document import Places, Subject, pipeline_config
from sqlrec.models.deep.pipeline.leaves import Leaf, Leaves, leaves
from sqlrec.models.deep.pipeline.schema import faults, shown
from sqlrec.models.deep.pipeline.taken import NETWORKS, Setting, settings
from sqlrec.models.deep.pipeline.text import parse
from sqlrec.spec.job import ExportWork, TrainWork
from sqlrec.spec.options import Parsed, canonical_key
from sqlrec.spec.schema import Kind

if TYPE_CHECKING:
    from sqlrec.models.deep.controller import DeepModel

WorkT = TypeVar("WorkT", TrainWork, ExportWork)
OptionT = TypeVar("OptionT")

IGNORED = re.compile(
    r"""train_input_path|eval_input_path|model_dir|(eval|export)_config\b.*
    | train_config\.(log_step_count_steps|is_profiling|use_tensorboard|tensorboard_summaries|cudnn_allow_tf32
        |cuda_matmul_allow_tf32|keep_checkpoint_max|save_checkpoints_\w+|fine_tune_checkpoint|grad_scaler\b.*)
    | data_config\.(dataset_type|fg_mode|fg_encoded|fg_encoded_multival_sep|pin_memory|input_fields.*
        |delimiter|with_header|eval_batch_size|fg_threads|is_orderby_partition|odps_\w+|shuffle\w*|in_order
        |input_fields_str|drop_remainder)
    | feature_configs\[.*\]\.\w+\.(feature_name|expression|separator|sequence_delim|sequence_fields
        |fg_value_type|fg_encoded_default_value)
    | model_config\.(metrics|train_metrics)\b.*|model_config\.kernel
    | model_config\.mmoe\.task_towers\[\d+\]\.(tower_name|(train_)?metrics\b.*)
    | model_config\.\w+\.wide_embedding_dim""",
    re.VERBOSE,
)
"""Where rows and files lie, what is logged and measured, and how text is cut: the job's own spec says that.
The width of a wide embedding does not matter, since its numbers are added up."""

FEATURE = re.compile(r"feature_configs\[(.*)\]\.")

NOWHERE = Places(train="", evaluation="", model="")


def followed(text: str, work: WorkT, kind: DeepModel) -> WorkT:
    """The job as a file wants it.

    Raises ``OptionError`` SR385 (wrong by TorchEasyRec's schema), SR386 (our trainer does not have it) and
    those of an option whose value is impossible, and ``SchemaError`` SR387 (it is about another model).
    """
    config = parse(text)
    for fault in faults(config):
        if not fault.is_lack:
            code = "SR386" if fault.is_closed else "SR385"
            raise OptionError(code, f"line {fault.line}: {fault.message}", hint=fault.hint)
    found, subject = leaves(config), Subject.of(work, kind)
    _require_same_model(found, subject)
    changed = _changed(work, subject, settings(found, subject))
    _require_allowed(work, changed, kind)
    result = Subject.of(changed, kind)
    _require_same(found, leaves(pipeline_config(result, NOWHERE)), result)
    return changed


def _require_same_model(found: Leaves, subject: Subject) -> None:
    """The file is about this network, these features and labels."""
    network = NETWORKS[subject.kind.type]
    if not any(path.startswith(f"model_config.{network}.") for path in found):
        raise _another(f"it has no model_config.{network}, which {subject.model.type} is")
    described = {match[1]: leaf for path, leaf in found.items() if (match := FEATURE.match(path))}
    wanted = {column.name.casefold(): column.name for column in subject.columns}
    for name, leaf in described.items():
        if name not in wanted:
            model = subject.model.name
            raise _another(f"line {leaf.line} has a feature {name!r}, which is no column of {model}")
    for name in sorted(wanted.keys() - described.keys()):
        raise _another(f"it does not describe column {wanted[name]!r}")
    written = found.get("data_config.label_fields", Leaf(())).values
    theirs, ours = ", ".join(map(str, written)), ", ".join(subject.labels)
    if theirs.casefold() != ours.casefold():
        raise _another(f"its labels are {theirs or 'none'}, those of {subject.model.name} {ours or 'none'}")


def _another(reason: str) -> SchemaError:
    return SchemaError(
        "SR387",
        f"the pipeline.config is about another model: {reason}",
        hint="take the file that sqlrec writes for the model, and edit that",
    )


def _changed(work: WorkT, subject: Subject, wanted: Iterable[Setting]) -> WorkT:
    """The job with the options that are not in force already."""
    model, options = dict(work.model.options), dict(work.options)
    for setting in wanted:
        option = subject.kind.options.find(setting.key)
        assert option is not None, f"{setting.key} is an option"
        try:
            value = option.parse(setting.value) if setting.value != "" else None
        except OptionError as error:
            raise OptionError(error.code, f"line {setting.line}: {error.message}", hint=error.hint) from None
        if value == _in_force(setting.key, subject):
            continue
        key = canonical_key(setting.key)
        options[key] = value
        if subject.scope not in option.scopes:
            model[key] = setting.value
        if setting.value == "":
            model.pop(key, None)
        if setting.key == "embedding_dim":
            _forget_dims(model)
            _forget_dims(options)
    return replace(work, model=replace(work.model, options=model), options=options)


def _in_force(key: str, subject: Subject) -> Parsed:
    """The value that a setting would change; of the two that may be unset, what they mean then."""
    value = subject.options.get(key)
    if key == "temperature" and value == TEMPERATURES[str(subject.options["similarity"])]:
        return None
    return value or None if key == "mixed_precision" else value


def _forget_dims(options: MutableMapping[str, OptionT]) -> None:
    """All columns are as wide as the model says."""
    for key in [key for key in options if column_of(key) and key.endswith(EMBEDDING_DIM)]:
        del options[key]


def _require_allowed(work: WorkT, changed: WorkT, kind: DeepModel) -> None:
    known = set(kind.check(work.model))
    for problem in kind.check(changed.model):
        if problem not in known and not problem.warning:
            raise OptionError(problem.code, f"pipeline.config: {problem.message}", hint=problem.hint)


def _require_same(found: Leaves, ours: Leaves, subject: Subject) -> None:
    """Nothing in the file is other than what the model, with the file's options, is to TorchEasyRec."""
    width = input_width(subject.columns)
    scalars = {c.name.casefold() for c in subject.columns if c.type.kind is not Kind.ARRAY}
    for path, leaf in found.items():
        feature = FEATURE.match(path)
        if IGNORED.fullmatch(path) or (feature and feature[1] in scalars and path.endswith(".pooling")):
            continue
        if path not in ours:
            if leaf.line and not _says_nothing(path, leaf):
                raise _unsupported(leaf.line, f"sqlrec's trainer has no {path}")
        elif not _agree(path, leaf, ours[path], width):
            wanted, written = (", ".join(map(shown, each.values)) or "nothing" for each in (ours[path], leaf))
            raise _unsupported(leaf.line, f"{path} is {written}, where this model has {wanted}")
    for path in ours:
        if (
            path.startswith(("model_config.", "feature_configs["))
            and path not in found
            and not IGNORED.fullmatch(path)
        ):
            raise _unsupported(1, f"the file has no {path}, which is a part of this model")


def _says_nothing(path: str, leaf: Leaf) -> bool:
    """Empty texts and zeros where TorchEasyRec's default is that."""
    return leaf.values in ((), ("",), (False,)) and path.startswith(("train_config.", "data_config."))


def _agree(path: str, one: Leaf, other: Leaf, width: int) -> bool:
    """Whether two values mean the same: dropout is that of all layers, and a rank is at most the width."""
    if path.endswith(".low_rank"):
        ranks = {min(cast(int, value), width) for value in (*one.values, *other.values)}
        return len(ranks) == 1
    if path.endswith(".dropout_ratio"):
        return set(one.values) - {0.0} == set(other.values) - {0.0}
    return one.values == other.values


def _unsupported(line: int, message: str) -> OptionError:
    return OptionError(
        "SR386", f"line {line}: {message}", hint="undo that line, or train with trainer = 'tzrec'"
    )
