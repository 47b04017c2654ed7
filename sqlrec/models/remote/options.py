"""Options of models that a provider runs, in groups; a provider is declared by the groups it knows.

The keys are those of SQLRec's own style. What Flink, Confluent and others call them are aliases, so that
a statement written for one of them is read as it is.
"""

from __future__ import annotations

from sqlrec.models.described import MODEL, choice, common_options, option
from sqlrec.spec.options import Option, OptionKind, Parsed

_TEXT, _INT, _DOUBLE = OptionKind.STRING, OptionKind.INT, OptionKind.DOUBLE


def _number(key: str, kind: OptionKind, doc: str, low: float, high: float | None = None) -> Option:
    return Option(key=key, kind=kind, doc=doc, scopes=MODEL, minimum=low, maximum=high)


def _default(key: str, kind: OptionKind, doc: str, default: Parsed, *aliases: str) -> Option:
    return Option(
        key=key,
        kind=kind,
        doc=doc,
        scopes=MODEL,
        default=default,
        minimum=None if kind in (_TEXT, OptionKind.BOOLEAN) else 0,
        aliases=aliases,
    )


def identity(provider: str) -> tuple[Option, ...]:
    """Who runs the model, and what it is for."""
    return (
        choice("provider", "Who runs the model.", provider, required=True),
        choice("type", "Kind of model; with a provider it is remote.", "remote"),
        *common_options(),
    )


def endpoint(*, required: bool) -> Option:
    """Where the provider is asked."""
    return Option(
        key="endpoint",
        kind=_TEXT,
        doc="URL of the provider's API; unset: its public one.",
        scopes=MODEL,
        required=required,
        aliases=("base_url", "url"),
    )


REMOTE_MODEL = option(
    "model",
    _TEXT,
    "The model's name at the provider.",
    "model_name",
    "deployment",
    "deployment_name",
    "model_id",
    "model_version",
)
API_KEY = Option(
    key="api_key",
    kind=_TEXT,
    doc="Key of the provider's API, as a reference to a secret.",
    scopes=MODEL,
    sensitive=True,
    aliases=("apikey", "auth_token"),
)
REGION = option("region", _TEXT, "Region of the cloud account.", "aws_region", "location")

SAMPLING = (
    option("system_prompt", _TEXT, "What the model is told before each row."),
    _number("temperature", _DOUBLE, "Randomness of the answer.", 0, 2),
    _number("top_p", _DOUBLE, "Share of probability that tokens are drawn from.", 0, 1),
    _number("top_k", _INT, "Number of likeliest tokens to draw from.", 1),
    _number("max_tokens", _INT, "Longest answer, in tokens.", 1),
    option("stop", OptionKind.STRING_LIST, "Texts that end the answer."),
    _number("n", _INT, "Answers for each row.", 1),
    option("seed", _INT, "Seed of the drawing, where the provider keeps to one."),
    _number("presence_penalty", _DOUBLE, "Penalty of tokens that occurred.", -2, 2),
    _number("frequency_penalty", _DOUBLE, "Penalty of tokens by how often they occurred.", -2, 2),
    choice("response_format", "Form of the answer.", "text", "json_object", default="text"),
    _number("dimension", _INT, "Width of an embedding.", 1),
    _number("max_context_size", _INT, "Longest prompt, in tokens.", 1),
    choice(
        "context_overflow_action",
        "What happens to a prompt that is too long; with -log it is logged.",
        *(f"{what}{log}" for what in ("truncated-tail", "truncated-head", "skipped") for log in ("", "-log")),
        default="truncated-tail",
    ),
)
FORMATS = (
    option("input_format", _TEXT, "Form of the request's body."),
    option("output_format", _TEXT, "Form of the answer's body."),
    option("input_content_type", _TEXT, "Content type of the request."),
    option("output_content_type", _TEXT, "Content type of the answer."),
)
CALLING = (
    _default(
        "request_timeout",
        OptionKind.DURATION,
        "Longest time of one request.",
        30.0,
        "timeout",
        "client_timeout",
    ),
    _default(
        "max_retries",
        _INT,
        "Repetitions of a request that failed for the moment.",
        3,
        "retry_count",
        "retry_num",
    ),
    _default(
        "retry.on_codes", OptionKind.INT_LIST, "HTTP statuses that are worth repeating.", (429, 503, 504)
    ),
    choice("on_error", "What becomes of a row that failed.", "fail", "skip", "dead_letter", default="fail"),
    option("dead_letter.topic", _TEXT, "Where rows that failed go, such as kafka:failed-rows."),
    choice("error_handling_strategy", "Flink's word for on_error.", "RETRY", "FAILOVER", "IGNORE"),
    choice("retry_fallback_strategy", "What becomes of a row after the last retry.", "FAILOVER", "IGNORE"),
    _default("async", OptionKind.BOOLEAN, "Have several requests under way.", True, "async_enabled"),
    _default(
        "max_concurrent_requests",
        _INT,
        "Most requests under way.",
        10,
        "max_concurrent_operations",
        "max_parallelism",
    ),
    _default("ordered_output", OptionKind.BOOLEAN, "Keep the order of the rows.", True),
)
TRITON = (
    Option(
        key="model_name",
        kind=_TEXT,
        doc="The model's name at the server.",
        scopes=MODEL,
        required=True,
        aliases=("model",),
    ),
    _default("model_version", _TEXT, "The model's version at the server.", "latest"),
    _default("flatten_batch_dim", OptionKind.BOOLEAN, "Leave out the batch dimension of one row.", False),
    _number("priority", _INT, "Priority of the requests.", 0, 255),
    option("sequence_id", _TEXT, "Sequence that the requests belong to."),
    option("sequence_start", OptionKind.BOOLEAN, "Whether a request begins a sequence."),
    option("sequence_end", OptionKind.BOOLEAN, "Whether a request ends a sequence."),
    choice("compression", "Compression of the request's body.", "gzip"),
    option("custom_headers", _TEXT, "Headers of the requests, as JSON."),
    option("default_value", _TEXT, "Answer of a row that failed."),
)
