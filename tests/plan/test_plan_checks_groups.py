"""Several models behind one service, as the planner judges them."""

from __future__ import annotations

import pytest

from sqlrec.errors import ScriptError
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DeployStep
from sqlrec.spec.model import CheckpointKind
from tests.plan.conftest import Compile, FakeCatalog, Findings, shown

A = "CREATE MODEL a (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
B = "CREATE MODEL b (u BIGINT, v STRING, y INT) WITH (model = 'test.rank', label_columns = 'y');"
MADE = "TRAIN MODEL {0} CHECKPOINT = '{1}' ON t; EXPORT MODEL {0} CHECKPOINT = '{1}';"
BOTH = A + B + MADE.format("a", "v1") + MADE.format("b", "v1")
PAIR = "CREATE SERVICE s ON MODELS (a CHECKPOINT = 'v1_export', b CHECKPOINT = 'v1_export')"


def test_a_model_is_not_dropped_while_it_is_one_of_several(
    findings: Findings, compiled: Compile, catalog: FakeCatalog
) -> None:
    used = (
        "SR203 `b` Cannot delete model b because it is being used by 1 service(s): s | DROP SERVICE s first"
    )
    assert findings(BOTH + PAIR + "; DROP MODEL b") == [used]
    assert findings(BOTH + PAIR + "; DROP SERVICE s; DROP MODEL b") == []
    registered = catalog.add(compiled(A + B))
    for name in ("a", "b"):
        registered.put("v1_export", CheckpointKind.EXPORT, model=name)
    registered.served["s"], *others = registered.versions
    registered.beside["s"] = tuple(others)
    assert findings("DROP MODEL b", registered) == [used]
    assert findings("DROP SERVICE s; DROP MODEL b", registered) == []
    assert findings("ALTER MODEL b RENAME TO c; DROP MODEL c", registered) == [
        used.replace("`b`", "`c`").replace("model b", "model c")
    ]
    assert findings("ALTER MODEL b DROP CHECKPOINT = 'v1_export'", registered)[0].startswith("SR203 ")


def test_inputs_are_judged_by_the_features_of_all_models(
    findings: Findings, compiled: Compile, catalog: FakeCatalog
) -> None:
    registered = catalog.add(compiled(A + B))
    for name in ("a", "b"):
        registered.put("v1_export", CheckpointKind.EXPORT, model=name)
    registered.served["s"], *others = registered.versions
    registered.beside["s"] = tuple(others)
    table = "CREATE TABLE t ({}) WITH (connector = 'parquet', path = 't');"
    lacking, whole = table.format("u INT"), table.format("u INT, v STRING")
    call = "CACHE TABLE r AS CALL call_service('s', t)"
    assert findings(whole + call, registered) == []
    (found,) = findings(lacking + call, registered)
    assert found.startswith("SR402 `t` table 't' has no column 'v', a feature of model a")
    ask = "SELECT * FROM ML_PREDICT(TABLE t, MODEL {}, DESCRIPTOR({}))"
    assert findings(whole + ask.format("a", "u, v"), registered) == []
    (found,) = findings(whole + ask.format("a", "u"), registered)
    assert "does not match model input size (2)" in found
    (found,) = findings(whole + ask.format("b", "u, v"), registered)
    assert found.startswith("SR631 `b` model b has no service that could be asked")


@pytest.mark.parametrize(
    "options",
    [
        "",
        " WITH (decider = 'vote', threshold = 0.3, timeout = '20ms')",
        " WITH (decider = 'mean', replicas = 2)",
        " WITH (decider = 'max_confidence')",
        " WITH (routing = 'shadow')",
        " WITH (routing = 'split', weights = '90, 0')",
        " WITH (routing = 'split', weights = '{{ var.value.shares }}')",
    ],
)
def test_what_fits(findings: Findings, options: str) -> None:
    assert findings(BOTH + PAIR + options) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("routng = 'split'", "SR301 `routng` unknown option 'routng' | Did you mean 'routing'?"),
        ("routing = 'all'", "SR303 `'all'` option 'routing' is one of speculative, shadow, split, not 'all'"),
        ("timeout = 'soon'", "SR302 `'soon'` option 'timeout' takes a duration, not 'soon'"),
        (
            "routing = 'shadow', decider = 'mean'",
            "SR362 `decider` option 'decider' means nothing with routing shadow"
            " | leave it out, or write routing = 'speculative'; ALTER SERVICE … RESET (decider) takes it",
        ),
        (
            "threshold = 0.2",
            "SR362 `threshold` option 'threshold' means nothing with decider first"
            " | leave it out, or write decider = 'vote'",
        ),
        (
            "routing = 'split', weights = '1,2,3'",
            "SR363 `weights` 3 weights for 2 models"
            " | write one for each model, in their order: weights = '90,10'",
        ),
        ("routing = 'split', weights = '0,0'", "SR363 `weights` the weights are all 0"),
        ("routing = 'split', weights = '1,-1'", "SR303"),
        ("decider = 'vot'", "SR364 `decider` there is no decider 'vot' | Did you mean 'vote'?"),
    ],
)
def test_options_that_do_not_fit(findings: Findings, options: str, expected: str) -> None:
    (found,) = findings(f"{BOTH}{PAIR} WITH ({options})")
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ("a CHECKPOINT = 'v1_export'", "SR247 `(a CHECKPOINT = 'v1_export')` ON MODELS names a single model"),
        (
            "a CHECKPOINT = 'v1_export', a CHECKPOINT = 'V1_EXPORT'",
            "SR247 `a` ON MODELS names a twice with the same checkpoint",
        ),
        ("a CHECKPOINT = 'v1_export', a CHECKPOINT = 'v1'", "SR209 `'v1'` service only supports export"),
        ("a CHECKPOINT = 'v1_export', b", "SR210 `s` CHECKPOINT is required for model type test.rank"),
        ("a CHECKPOINT = 'v1_export', c CHECKPOINT = 'x'", "SR205 `c` model not exists"),
        ("a CHECKPOINT = 'v1_export', b CHECKPOINT = 'v2_export'", "SR207 `'v2_export'`"),
        ("a CHECKPOINT = 'v1_export', `b b` CHECKPOINT = 'x'", "SR211"),
    ],
)
def test_members(findings: Findings, catalog: FakeCatalog, models: str, expected: str) -> None:
    (found,) = findings(f"{BOTH}CREATE SERVICE s ON MODELS ({models})", catalog)
    assert found.startswith(expected)


def test_a_temporary_model_and_one_that_runs_elsewhere_are_no_members(findings: Findings) -> None:
    temporary = A.replace("CREATE", "CREATE TEMPORARY").replace("MODEL a", "MODEL c")
    remote = "CREATE MODEL r INPUT (p STRING) OUTPUT (q STRING) WITH (provider = 'openai');"
    script = BOTH + temporary + PAIR.replace("b CHECKPOINT", "c CHECKPOINT")
    assert any(f.startswith("SR225 `c`") for f in findings(script))
    assert findings(BOTH + remote + "CREATE SERVICE s ON MODELS (a CHECKPOINT = 'v1_export', r)")


def test_inputs_and_outputs_go_together(findings: Findings) -> None:
    texts = B.replace("u BIGINT", "u STRING")
    (found,) = findings(A + texts + MADE.format("a", "v1") + MADE.format("b", "v1") + PAIR)
    assert found.startswith("SR361 `b` b takes u STRING, but a takes it as INT")
    given = (
        "CREATE MODEL b INPUT (u INT) OUTPUT (score FLOAT) WITH (model = 'test.rank', label_columns = 'y');"
    )
    found = findings(A + given + MADE.format("a", "v1") + MADE.format("b", "v1") + PAIR)[-1]
    assert found.startswith("SR360 `b` b answers score FLOAT, but a answers probs FLOAT")


def test_the_decider_fits_the_outputs() -> None:
    kinds = "".join(
        f"CREATE MODEL {name} (u INT) WITH (type = 'training', algorithm = 'kmeans', n_clusters = 3);"
        f"TRAIN MODEL {name} CHECKPOINT = 'v1' ON t; EXPORT MODEL {name} CHECKPOINT = 'v1';"
        for name in "ab"
    )
    assert build_plan(f"{kinds}{PAIR} WITH (decider = 'vote')", path="x.sql", name="x").steps
    with pytest.raises(ScriptError) as caught:
        build_plan(f"{kinds}{PAIR} WITH (decider = 'mean')", path="x.sql", name="x")
    (found,) = shown(caught.value)
    assert found.startswith(
        "SR362 `decider` decider 'mean' does not fit: output cluster_id is BIGINT, of which"
    )


def test_one_model_has_no_options_of_several(findings: Findings) -> None:
    (found,) = findings(f"{BOTH}CREATE SERVICE s ON MODEL a CHECKPOINT = 'v1_export' WITH (decider = 'vote')")
    assert found.startswith("SR362 `decider` option 'decider' is about several models")
    (found,) = findings(
        f"{BOTH}CREATE SERVICE s ON MODEL a CHECKPOINT = 'v1_export'; ALTER SERVICE s SET (weights = '1,2')"
    )
    assert found.startswith("SR362 `weights`")


def test_later_statements_know_all_members(findings: Findings, catalog: FakeCatalog) -> None:
    assert (
        findings(f"{BOTH}{PAIR}; ALTER SERVICE s SET (timeout = '1s'); ALTER SERVICE s RESET (timeout)") == []
    )
    (found,) = findings(f"{BOTH}{PAIR}; ALTER SERVICE s SET CHECKPOINT = 'v1_export'")
    assert found.startswith("SR247 `'v1_export'` service 's' has 2 models")
    (found,) = findings(f"{BOTH}{PAIR}; DROP MODEL b")
    assert found.startswith("SR203 `b` Cannot delete model b because it is being used by 1")
    (found,) = findings(f"{BOTH}{PAIR}; ALTER MODEL b DROP CHECKPOINT = 'v1_export'")
    assert found.startswith("SR203")
    (found,) = findings(f"{BOTH}{PAIR}; ALTER MODEL b RENAME TO c; DROP MODEL c")
    assert found.startswith("SR203 `c`")


def test_the_step_waits_for_every_member(compiled: Compile) -> None:
    steps = compiled(f"{BOTH}EVALUATE MODEL b CHECKPOINT = 'v1' ON t; {PAIR}").steps
    deploy = steps[-1]
    assert isinstance(deploy, DeployStep)
    assert {"export_a", "export_b", "evaluate_b"} <= set(deploy.upstream)
    assert [(str(m.model), m.checkpoint) for m in deploy.others] == [("b", "v1_export")]
