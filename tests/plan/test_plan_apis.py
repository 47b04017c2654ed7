"""Options of CREATE API: judged where they are written, kept in the plan, explained."""

from __future__ import annotations

import pytest

from sqlrec.models.api_options import API_OPTIONS
from sqlrec.plan.explain import explain
from sqlrec.plan.plan import DefineApiStep
from sqlrec.spec import codec
from sqlrec.spec.function import ApiSpec
from sqlrec.spec.options import Scope
from tests.plan.conftest import Compile, FakeCatalog, Findings, get_fake

F = "CREATE SQL FUNCTION f; DEFINE INPUT TABLE t (id BIGINT); CACHE TABLE r AS SELECT id FROM t; RETURN r;\n"
API = F + "CREATE API a WITH f WITH ({})"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("auth_token_file = '/t', tls_cert_file = 'c', tls_key_file = 'k', access_log = TRUE", []),
        ("replicas = 2, max_replicas = 4, drain = '3s', pod_memory = '4Gi', image = 'mine'", []),
        ("replicas = '{{ ds }}', 'kubernetes.env.TOKEN' = '{{ secret.api }}', NAMESPACE = 'front'", []),
        (
            "auth_token_fil = 't'",
            ["SR301 `auth_token_fil` unknown option 'auth_token_fil' | Did you mean 'auth_token_file'?"],
        ),
        ("replicas = 0", ["SR303 `0` option 'replicas' is at least 1, not 0 | write 1"]),
        ("queue_timeout = 'soon'", ["SR302 `'soon'` option 'queue_timeout' takes a duration"]),
        (
            "'access-log' = TRUE, access_log = FALSE",
            ["SR305 `access_log` option 'access_log' is given twice | line 2 has it as 'access-log' already"],
        ),
        (
            "pod_memory = '2'",
            ["SR370 `'2'` option 'pod_memory' is '2', which is 2 bytes | write '2Gi'"],
        ),
        (
            "kubernetes.env.TOKEN = 'hush-hush-hush'",
            [
                "SR306 `****************` option 'kubernetes.env.TOKEN' is a secret"
                " and may not stand in a script | name it: '{{ secret.NAME }}'"
            ],
        ),
        (
            "image = '{{ nope }}'",
            ["SR309 `{{ nope }}` a template has no value called 'nope'"],
        ),
    ],
)  # fmt: skip
def test_options_are_judged_where_they_stand(findings: Findings, options: str, expected: list[str]) -> None:
    found = findings(API.format(options))
    assert len(found) == len(expected)
    assert all(one.startswith(wanted) for one, wanted in zip(found, expected, strict=True)), found


@pytest.mark.parametrize("key", ["follow", "canary", "missing_features", "pod_gpus", "routing"])
def test_options_of_models_are_unknown(findings: Findings, key: str) -> None:
    (found,) = findings(API.format(f"{key} = '1'"))
    assert found.startswith(f"SR301 `{key}` unknown option '{key}'")


def test_each_option_is_of_apis_alone_and_none_twice() -> None:
    keys = [option.key for option in API_OPTIONS.options]
    assert len(keys) == len(set(keys)) > 25
    assert {scope for option in API_OPTIONS.options for scope in option.scopes} == {Scope.API}


def test_the_plan_holds_them_as_written_with_secrets_as_references(compiled: Compile) -> None:
    plan = compiled(
        API.format("Replicas = 2, 'kubernetes.env.Key' = '{{ secret.api }}', image = 'i-{{ ds }}'")
    )
    step = plan.steps[-1]
    assert isinstance(step, DefineApiStep)
    assert step.api.options == {
        "replicas": 2,
        "kubernetes.env.Key": "secret:api",
        "image": "i-{{ ds }}",
    }
    assert "'kubernetes.env.Key' = 'secret:api'" in step.sql
    assert codec.loads(DefineApiStep, codec.dumps(step)) == step


def test_a_definition_from_before_there_were_options_is_read(compiled: Compile) -> None:
    step = compiled(F + "CREATE API a WITH f").steps[-1]
    assert isinstance(step, DefineApiStep)
    old = codec.dumps(step.api).replace(', "options": {}}}', "}}")
    assert '"options"' not in old.rpartition('"params"')[2]
    assert codec.loads(ApiSpec, old) == step.api


def test_the_explanation_has_options_with_their_origin(compiled: Compile, catalog: FakeCatalog) -> None:
    plan = compiled(API.format("replicas = 3, 'kubernetes.env.K' = '{{ secret.api }}'"))
    told = {o.key: (o.value, o.origin) for o in explain(plan, catalog, get_fake).steps[-1].options}
    assert told["replicas"] == (3, "statement")
    assert told["request_timeout"] == (30.0, "default")
    assert told["kubernetes.env.K"] == ("secret:api", "statement")
