"""Remote, imported and k-means models: statements of FLIP-437 and of Flink's users; what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sqlrec.errors import NameNotFoundError, ScriptError
from sqlrec.models.controller import ModelController, Programs
from sqlrec.models.lookup import BUILT_IN, get_controller, model_type
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionValue, Scope

DESCRIBED = [name for name in BUILT_IN if name.startswith("provider.") and name != "provider.local"]
REMOTE = "CREATE MODEL m INPUT (a STRING) OUTPUT (b STRING) WITH "

TABLE = "CREATE TABLE t (x INT) WITH (connector = 'parquet', path = 't');"
IMPORTED = (
    "CREATE MODEL m INPUT (a INT, b INT) OUTPUT (c FLOAT)"
    " WITH (type = 'import', format = 'ONNX', path = 'x');" + TABLE
)
ASKED = "SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x))"

STATEMENTS = {
    "import": """
        CREATE MODEL `my_import_model` INPUT (f1 INT, f2 STRING) OUTPUT (label FLOAT)
          WITH ('task' = 'regression', 'type' = 'import', 'format' = 'ONNX',
                'ONNX.path' = 'http://storage.googleapis.com/storage/t.onnx',)""",
    "provider.openai": """
        CREATE MODEL customer_service_agent INPUT (prompt STRING) OUTPUT (response STRING)
          WITH ('provider' = 'openai', 'task' = 'chat-completion', 'api_key' = '{{ secret.openai_api_key }}',
                'base_url' = 'https://api.openai.com/v1', 'model_name' = 'gpt-4-turbo',
                'temperature' = '0.0', 'max_tokens' = '500', 'top_p' = '0.95', 'presence_penalty' = '0',
                'frequency_penalty' = '0', 'response_format' = 'json_object', 'seed' = '12345',
                'system_prompt' = 'You are a helpful assistant.', 'request_timeout' = '30s',
                'max_retries' = '3')""",
    "provider.anthropic": """
        CREATE MODEL legal_analyzer INPUT (text STRING) OUTPUT (analysis STRING)
          WITH ('provider' = 'anthropic', 'task' = 'messages',
                'api_key' = '{{ secret.anthropic_api_key }}', 'model_name' = 'claude-3-opus-20240229',
                'max_tokens' = '1000', 'temperature' = '0', 'request_timeout' = '60s')""",
    "provider.local": """
        CREATE MODEL fraud_classifier INPUT (amount DOUBLE, user_age INT) OUTPUT (fraud_score DOUBLE)
          WITH ('provider' = 'local', 'task' = 'classification', 'model_path' = 's3://models/fraud_v3.onnx',
                'runtime' = 'onnx', 'batch_size' = '32', 'inference_threads' = '4', 'gpu' = 'false')""",
    "provider.triton": """
        CREATE MODEL t INPUT (a INT) OUTPUT (b INT)
          WITH ('provider' = 'triton', 'endpoint' = 'http://triton:8000', 'model-name' = 'x',
                'flatten-batch-dim' = 'true', 'auth-token' = '{{ secret.triton }}')""",
    "training.kmeans": """
        CREATE MODEL `my_native_model`
          WITH ('task' = 'clustering', 'type' = 'training', 'algorithm' = 'kmeans',
                'kmeans.num_clusters' = '3')
          AS SELECT F1, F2 FROM `my_data`""",
}


def _defined(script: str) -> ModelSpec:
    step = build_plan(script, path="x.sql", name="x").steps[0]
    assert isinstance(step, DefineModelStep)
    return step.model


def _codes(script: str) -> list[str]:
    with pytest.raises(ScriptError) as caught:
        build_plan(script, path="x.sql", name="x")
    return [found.code for found in caught.value.diagnostics]


@pytest.mark.parametrize("type_", STATEMENTS)
def test_the_statements_of_others_are_taken_as_they_are(type_: str) -> None:
    assert _defined(STATEMENTS[type_]).type == type_


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_described_type_fits_the_protocol_and_runs_nothing(name: str) -> None:
    controller: ModelController = get_controller(name)
    assert controller.type == name
    assert controller.programs == Programs()
    assert controller.exports("v1") == ()
    assert controller.doc.endswith(".")
    effective = controller.options.effective(Scope.MODEL)
    assert controller.resources(effective).cpu
    assert controller.topology(effective).nodes == 1
    required = [option for option in controller.options.options if option.required]
    assert required, "the option that names the type"


def test_a_literal_secret_is_refused_and_not_shown() -> None:
    script = """
        CREATE MODEL `my_remote_model` INPUT (f1 INT, f2 STRING) OUTPUT (label STRING, probs ARRAY<FLOAT>)
          WITH ('task' = 'classification', 'type' = 'remote', 'provider' = 'openai',
                'openai.endpoint' = 'https://api.openai.com/v1/llm/v1/chat', 'openai.api_key' = 'abcdefg')"""
    with pytest.raises(ScriptError) as caught:
        build_plan(script, path="x.sql", name="x")
    (found,) = caught.value.diagnostics
    assert found.code == "SR306"
    assert "{{ secret.NAME }}" in found.hint
    assert "abcdefg" not in str(caught.value)
    assert _defined(script.replace("'abcdefg'", "'{{ secret.key }}'")).type == "provider.openai"


@pytest.mark.parametrize(
    ("options", "type_"),
    [
        ({"model": "tzrec.wide_and_deep"}, "tzrec.wide_and_deep"),
        ({"provider": "OpenAI", "model": "gpt-4-turbo"}, "provider.openai"),
        ({"provider": "openai_compat"}, "provider.openai-compat"),
        ({"type": "remote"}, ""),
        ({"type": "Import", "model": "x"}, "import"),
        ({"type": "training"}, ""),
        ({"type": "training", "algorithm": "KMeans"}, "training.kmeans"),
        ({"type": "native", "model": "x"}, "x"),
        ({}, ""),
    ],
)
def test_options_name_the_type(options: dict[str, OptionValue], type_: str) -> None:
    assert model_type(options) == type_


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("provider.opnai", "unknown model provider 'opnai'", "Did you mean 'openai'?"),
        ("provider.xyz", "unknown model provider 'xyz'", "known providers: anthropic, "),
        ("training.kmean", "unknown training algorithm 'kmean'", "Did you mean 'kmeans'?"),
        ("tzrec.wide", "unknown model type 'tzrec.wide'", ""),
    ],
)
def test_an_unknown_provider_or_algorithm(name: str, message: str, hint: str) -> None:
    with pytest.raises(NameNotFoundError, match=message) as caught:
        get_controller(name)
    assert hint in caught.value.hint
    assert "provider." not in caught.value.hint


@pytest.mark.parametrize(
    ("script", "codes"),
    [
        ("CREATE MODEL m (a INT)", ["SR307"]),
        ("CREATE MODEL m INPUT (a INT) OUTPUT (b INT) WITH (type = 'remote')", ["SR307"]),
        ("CREATE MODEL m WITH (type = 'training') AS SELECT 1 AS a", ["SR307"]),
        ("CREATE MODEL m WITH (provider = 'openai')", ["SR427"]),
        ("CREATE MODEL m (a STRING) WITH (provider = 'openai')", ["SR427"]),
        ("CREATE MODEL m WITH (type = 'import', format = 'ONNX', path = 'x')", ["SR427"]),
        ("CREATE MODEL m WITH (type = 'training', algorithm = 'kmeans', num_clusters = 3)", ["SR427"]),
        (REMOTE + "(provider = 'openai', api_key = '{{ secret.a }}', 'openai.apiKey' = '{{ secret.b }}')",
         ["SR305"]),
        (REMOTE + "(provider = 'openai', 'ap-key' = 'x')", ["SR301"]),
        (REMOTE + "(provider = 'azure')", ["SR307"]),
        (REMOTE + "(provider = 'azure', base_url = 'https://x')", []),
        (REMOTE + "(provider = 'openai', temperature = 3)", ["SR303"]),
        (REMOTE + "(provider = 'openai', task = 'magic')", ["SR303"]),
        (REMOTE + "(provider = 'openai', task = 'embeddings')", ["SR428"]),
        (REMOTE + "(provider = 'openai', 'openai.on_error' = 'dead-letter')", ["SR307"]),
        (REMOTE + "(provider = 'openai', on_error = 'dead_letter', dead_letter.topic = 'kafka:t')", []),
        ("CREATE MODEL m INPUT (a STRING) OUTPUT (A STRING) WITH (provider = 'openai')", ["SR108"]),
        (REMOTE + "(provider = 'openai'); TRAIN MODEL m CHECKPOINT = 'v' ON t", ["SR213"]),
        (IMPORTED + "TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (epochs = 2)", ["SR213"]),
        (IMPORTED + "EXPORT MODEL m CHECKPOINT = 'v' ON t", ["SR213"]),
        (IMPORTED + ASKED, ["SR430"]),
        (REMOTE + "(provider = 'openai');" + TABLE + ASKED, ["SR213"]),
        (REMOTE + "(provider = 'openai'); CREATE SERVICE s ON MODEL m", ["SR213"]),
        (REMOTE + "(provider = 'openai'); DESCRIBE MODEL m; SHOW CREATE MODEL m; DROP MODEL m", []),
        (REMOTE + "(provider = 'openai'); ALTER MODEL m SET ('tag' = 'prod', 'openai.max-tokens' = '5')", []),
        (REMOTE + "(provider = 'openai'); ALTER MODEL m SET ('max_tokens' = 'many')", ["SR302"]),
        (REMOTE + "(provider = 'openai'); ALTER MODEL m SET ('provider' = 'azure')", ["SR317", "SR303"]),
    ],
)  # fmt: skip
def test_what_is_refused(script: str, codes: list[str]) -> None:
    if codes:
        assert _codes(script) == codes
    else:
        assert build_plan(script, path="x.sql", name="x").warnings == ()


@pytest.mark.parametrize("provider", ["openai", "qwen"])
def test_a_query_that_asks_a_model_without_services_is_told_that_it_cannot(provider: str) -> None:
    with pytest.raises(ScriptError) as caught:
        build_plan(f"{REMOTE}(provider = '{provider}');{TABLE}{ASKED}", path="x.sql", name="x")
    (found,) = (d for d in caught.value.diagnostics if "inside a query" in d.message)
    assert found.message == (
        f"running models of type provider.{provider} inside a query is not supported yet"
    )
    assert "CREATE SERVICE" not in found.hint


def test_the_types_are_light() -> None:
    heavy = {"torch", "numpy", "pyarrow", "duckdb", "onnxruntime", "httpx", "sklearn", "mlflow"}
    code = (
        "import sys; from sqlrec.models.lookup import BUILT_IN, get_controller\n"
        f"[get_controller(name) for name in BUILT_IN]; print(sorted({heavy!r} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
