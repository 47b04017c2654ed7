from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.plan.templates import canonical, is_templated, problems, secret_reference, without_secrets


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("{{ secret.key }}", "secret:key"),
        (" {{secret.a-b.c}} ", "secret:a-b.c"),
        ("{{ conn.store.password }}", "secret:conn.store.password"),
        ("{{sessionconfig/sql.secrets.openai}}", "secret:openai"),
        ("{{ sessionconfig/other }}", "secret:other"),
        ("${secret_values.key}", "secret:key"),
        ("Bearer {{ secret.key }}", ""),
        ("{{ conn.store }}", ""),
        ("{{ ds }}", ""),
        ("secret:key", ""),
    ],
)
def test_references_to_secrets(text: str, reference: str) -> None:
    assert secret_reference(text) == reference


def test_no_template_engine_sees_a_secret() -> None:
    assert without_secrets("a '{{ secret.x }}' b '${secret_values.y}' {{ ds }}") == (
        "a 'secret:x' b 'secret:y' {{ ds }}"
    )


def test_spellings_of_a_template_are_one() -> None:
    assert canonical("v{{ds_nodash}}_{{  ds|upper }}x") == "v{{ ds_nodash }}_{{ ds|upper }}x"
    assert canonical("plain }} text") == "plain }} text"
    assert [is_templated(v) for v in ("{{ ds }}", "ds", 5)] == [True, False, False]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        '{"a": {"b": 1}}',
        "{{ ds }}{{ ts_nodash }}",
        "{{ params.day }} {{ params['day'] }} {{ params[\"day\"] }}",
        "{{ (logical_date - macros.timedelta(days=1)) | ds }}",
        "{{ ds if params.day == 'a b' else '}} c' }}",
        "{{ macros.ds_add(ds, -7) | replace('-', '') }}",
        "{{ var.value.root }}/{{ run_id | length is not none }}",
        "{{ dag_run.conf['x y z'] }}",
    ],
)
def test_good_templates(text: str) -> None:
    assert list(problems(text, {"day"})) == []


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("{{ ds", "SR308", "a template is not closed", "end it with }}"),
        ("{{ }}", "SR308", "a template is empty", "name a value, such as {{ ds }}"),
        ("{% if x %}", "SR308", "only {{ … }} templates are allowed", "compute it in the query instead"),
        ("{# x #}", "SR308", "only {{ … }} templates are allowed", "compute it in the query instead"),
        ("{{ params }}", "SR308", "params needs a name", "write {{ params.NAME }}"),
        ("{{ params.dayy }}", "SR309", "parameter 'dayy' is not declared", "Did you mean 'day'?"),
        (
            "{{ params['zz'] }}",
            "SR309",
            "parameter 'zz' is not declared",
            "add: DECLARE zz STRING DEFAULT '…'",
        ),
        ("{{ day }}", "SR309", "a template has no value called 'day'", "write {{ params.day }}"),
        ("{{ ds_nodsh }}", "SR309", "a template has no value called 'ds_nodsh'", "Did you mean 'ds_no"),
        ("x{{ secret.key }}", "SR310", "{{ secret.key }} cannot stand here", "a secret is the whole value"),
        ("{{ conn.a }}", "SR310", "{{ conn.a }} cannot stand here", "a secret is the whole value"),
    ],
)
def test_bad_templates(text: str, code: str, message: str, hint: str) -> None:
    (found,) = problems(text, {"day"})
    assert (found.code, found.message) == (code, message)
    assert found.hint.startswith(hint)


@given(st.text("{}%'\" dsparm.|x", max_size=30))
def test_any_text_is_judged(text: str) -> None:
    for found in problems(text, {"x"}):
        assert found.code in ("SR308", "SR309", "SR310")
        assert found.hint
    assert canonical(canonical(text)) == canonical(text)
