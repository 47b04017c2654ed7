"""The providers of remote models: which options each knows, and what a definition must say.

FLIP-437 leaves the options to the provider; the ones here are those of Flink's own modules, of Confluent
and of common practice. Calling a provider is not part of this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlrec.models.controller import Problem
from sqlrec.models.described import DescribedModel, needs_signature
from sqlrec.models.remote.options import (
    API_KEY,
    CALLING,
    FORMATS,
    REGION,
    REMOTE_MODEL,
    SAMPLING,
    TRITON,
    endpoint,
    identity,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Option, OptionSet, OptionValue
from sqlrec.spec.schema import Kind
from sqlrec.spec.task import Task, task_of


def provider(name: str, doc: str, *options: Option) -> DescribedModel:
    """The controller of ``provider = 'name'``."""
    return DescribedModel(
        type=f"provider.{name}",
        doc=doc,
        options=OptionSet((*identity(name), *options), prefixes=(f"{name}.".replace("-", "_"), "params.")),
        rules=(needs_signature, _embeds, _has_dead_letters),
    )


def _embeds(model: ModelSpec, options: Mapping[str, OptionValue]) -> Iterator[Problem]:
    """An embedding is one vector."""
    if task_of(str(options.get("task", ""))) is not Task.EMBEDDING or not len(model.outputs):
        return
    answers = [column.type for column in model.outputs]
    if len(answers) != 1 or answers[0].kind is not Kind.ARRAY or not answers[0].element.is_float:
        shown = ", ".join(f"{column.name} {column.type}" for column in model.outputs)
        yield Problem(
            code="SR428",
            message=f"task = 'embedding' answers one vector, OUTPUT is {shown}",
            hint="write OUTPUT (embedding ARRAY<FLOAT>)",
            option="task",
        )


def _has_dead_letters(model: ModelSpec, options: Mapping[str, OptionValue]) -> Iterator[Problem]:
    """``on_error = 'dead_letter'`` says where to."""
    wanted = str(options.get("on_error", "")).casefold().replace("-", "_") == "dead_letter"
    if wanted and "dead_letter.topic" not in options:
        yield Problem(
            code="SR307",
            message="on_error = 'dead_letter' needs the option 'dead_letter.topic'",
            hint="add 'dead_letter.topic' = 'kafka:failed-rows', or use on_error = 'skip'",
            option="on_error",
        )


_PUBLIC = (endpoint(required=False), API_KEY, REMOTE_MODEL, *SAMPLING, *CALLING)
_PRIVATE = (endpoint(required=True), API_KEY, REMOTE_MODEL, *SAMPLING, *CALLING)
_CLOUD = (REGION, REMOTE_MODEL, *FORMATS, *SAMPLING, *CALLING)

OPENAI = provider("openai", "A chat or embedding model behind OpenAI's API.", *_PUBLIC)
ANTHROPIC = provider("anthropic", "A chat model behind Anthropic's API.", *_PUBLIC)
GOOGLEAI = provider("googleai", "A model behind Google's AI API.", *_PUBLIC)
DEEPSEEK = provider("deepseek", "A chat model behind DeepSeek's API.", *_PUBLIC)
QWEN = provider("qwen", "A chat or embedding model behind Qwen's API.", *_PUBLIC)
AZURE = provider("azure", "A deployment of OpenAI's models on Azure.", *_PRIVATE)
AZUREOPENAI = provider("azureopenai", "A deployment of OpenAI's models on Azure.", *_PRIVATE)
OPENAI_COMPAT = provider("openai-compat", "Any server that speaks OpenAI's protocol.", *_PRIVATE)
BEDROCK = provider(
    "bedrock", "A model on Amazon Bedrock, with the rights of the process.", endpoint(required=False), *_CLOUD
)
SAGEMAKER = provider(
    "sagemaker", "An endpoint of Amazon SageMaker.", endpoint(required=True), REGION, *FORMATS, *CALLING
)
AZUREML = provider(
    "azureml",
    "An endpoint of Azure Machine Learning.",
    endpoint(required=True),
    API_KEY,
    REMOTE_MODEL,
    *FORMATS,
    *CALLING,
)
VERTEXAI = provider(
    "vertexai", "An endpoint of Google's Vertex AI.", endpoint(required=True), API_KEY, *_CLOUD
)
TRITON_SERVER = provider(
    "triton", "A model of a Triton inference server.", endpoint(required=True), API_KEY, *TRITON, *CALLING
)
