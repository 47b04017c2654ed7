"""Options of CREATE MODEL that shape a head: widths, styles, and what one architecture alone has."""

from __future__ import annotations

from sqlrec.models.deep.options import COLUMN, HISTORY, MODEL, SHARED_WITH, TARGET, hidden_units
from sqlrec.spec.options import Option, OptionKind

ACTIVATIONS = ("relu", "leaky_relu", "prelu", "dice", "gelu", "silu", "tanh", "sigmoid")

STYLE = (
    Option(
        key="activation",
        kind=OptionKind.STRING,
        scopes=MODEL,
        default="relu",
        choices=ACTIVATIONS,
        doc="What follows each dense layer.",
    ),
    Option(
        key="dropout_ratio",
        kind=OptionKind.DOUBLE,
        scopes=MODEL,
        default=0.0,
        minimum=0,
        maximum=0.95,
        doc="Share of each dense layer's units that training leaves out of a step, chosen at random.",
    ),
    Option(
        key="normalization",
        kind=OptionKind.STRING,
        scopes=MODEL,
        choices=("batch", "layer"),
        doc="Normalisation before each activation, over the process's share of a batch or the layer's units.",
    ),
)
"""The style of all stacks of dense layers."""

SHARED = Option(
    key=COLUMN + "{f}" + SHARED_WITH,
    kind=OptionKind.STRING,
    scopes=MODEL,
    doc="Column whose vocabulary and embedding this one uses, such as the item of an array of items.",
)

HIDDEN = hidden_units("hidden_units", "the deep part")

CROSS = (
    Option(
        key="cross_num",
        kind=OptionKind.INT,
        scopes=MODEL,
        default=3,
        minimum=1,
        maximum=32,
        doc="Cross layers.",
        aliases=("num_cross_layers",),
    ),
    Option(
        key="cross_rank",
        kind=OptionKind.INT,
        scopes=MODEL,
        default=0,
        minimum=0,
        maximum=65536,
        doc="Rank of the matrices of the cross layers; 0: full.",
        aliases=("low_rank",),
    ),
    Option(
        key="structure",
        kind=OptionKind.STRING,
        scopes=MODEL,
        default="parallel",
        choices=("parallel", "stacked"),
        doc="Whether the dense layers stand beside the cross layers or upon them.",
        aliases=("model_structure",),
    ),
)

BOTTOM = hidden_units(
    "bottom_hidden_units", "the part that makes a vector of the numbers, before its last", (512, 256)
)

ATTENTION = (
    Option(
        key=COLUMN + "{f}" + TARGET,
        kind=OptionKind.STRING,
        scopes=MODEL,
        doc="Makes an ARRAY column a history: its elements are values of this column, and compared with it.",
    ),
    Option(
        key=COLUMN + "{f}" + HISTORY,
        kind=OptionKind.STRING,
        scopes=MODEL,
        doc="Name of the history that a column with a target is part of; unset: one for all of them. The "
        "elements at one place of its columns are one event.",
    ),
    hidden_units("attention_hidden_units", "the network that weighs events", (80, 40)),
    Option(
        key="attention_activation",
        kind=OptionKind.STRING,
        scopes=MODEL,
        default="dice",
        choices=ACTIVATIONS,
        doc="What follows each dense layer of the network that weighs events.",
    ),
)

EXPERTS = (
    Option(
        key="num_expert",
        kind=OptionKind.INT,
        scopes=MODEL,
        default=4,
        minimum=1,
        maximum=64,
        doc="Experts, which all tasks share.",
        aliases=("num_experts",),
    ),
    hidden_units("expert_hidden_units", "each expert", (512, 256)),
    hidden_units("tower_hidden_units", "each task's tower", (128, 64)),
)
