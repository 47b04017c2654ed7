"""Who asks, and whether they may: tokens of service accounts, judged by the roles in the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from tests.emulator.errors import ApiError, forbidden
from tests.emulator.kinds import ACCOUNTS, BINDINGS, CLUSTER_BINDINGS, CLUSTER_ROLES, ROLES
from tests.emulator.objects import Object
from tests.emulator.store import Store

ADMIN_TOKEN = "t"


def kubeconfig(url: str, token: str = ADMIN_TOKEN, namespace: str = "default") -> str:
    """A kubeconfig for a server and a token (JSON is YAML)."""
    context = {"cluster": "emulated", "user": "user", "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "emulated"}
    parts = {
        "clusters": [{"name": "emulated", "cluster": {"server": url}}],
        "contexts": [{"name": "emulated", "context": context}],
        "users": [{"name": "user", "user": {"token": token}}],
    }
    return json.dumps({**config, **parts}, indent=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a request wants to do."""

    verb: str
    resource: str
    """With the subresource: ``pods/log``."""
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass
class Access:
    """Tokens and their judgement. The admin's token may do everything."""

    store: Store
    _tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    def issue(self, namespace: str, account: str) -> str:
        """A token of a service account; raises 404 when there is none of this name."""
        self.store.get(ACCOUNTS, namespace, account)
        token = f"account.{namespace}.{account}.{uuid4().hex}"
        self._tokens[token] = (namespace, account)
        return token

    def check(self, authorization: str, action: Action | None) -> None:
        """Raise 401 for an unknown token and 403 for what its account may not do (None: read about the API).

        No token is the admin's too: kubectl sends none over HTTP.
        """
        token = authorization.removeprefix("Bearer ")
        if token in ("", ADMIN_TOKEN):
            return
        account = self._tokens.get(token)
        if account is None or self.store.look(ACCOUNTS, *account) is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        if action is not None and not any(_allows(rule, action) for rule in self._rules(account, action)):
            user = f"system:serviceaccount:{account[0]}:{account[1]}"
            resource, _, part = action.resource.partition("/")
            shown = f"{resource}/{part}" if part else resource
            raise forbidden(user, action.verb, shown, action.group, action.namespace, action.name)

    def _rules(self, account: tuple[str, str], action: Action) -> Iterator[Object]:
        bindings = [("", binding) for binding in self.store.find(CLUSTER_BINDINGS)]
        if action.namespace:
            found = self.store.find(BINDINGS, action.namespace)
            bindings += [(action.namespace, binding) for binding in found]
        for namespace, binding in bindings:
            if not any(_is(subject, account, namespace) for subject in binding.get("subjects") or []):
                continue
            kind = ROLES if binding["roleRef"]["kind"] == "Role" else CLUSTER_ROLES
            role = self.store.look(kind, namespace, binding["roleRef"]["name"])
            yield from (role or {}).get("rules") or []


def _is(subject: Object, account: tuple[str, str], namespace: str) -> bool:
    home, name = account
    match subject["kind"]:
        case "ServiceAccount":
            return bool((subject.get("namespace") or namespace, subject["name"]) == account)
        case "User":
            return bool(subject["name"] == f"system:serviceaccount:{home}:{name}")
        case _:
            groups = ("system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{home}")
            return subject["name"] in groups


def _allows(rule: Object, action: Action) -> bool:
    def covers(values: list[str] | None, value: str) -> bool:
        return bool(values) and ("*" in (values or []) or value in (values or []))

    if not covers(rule.get("verbs"), action.verb) or not covers(rule.get("apiGroups"), action.group):
        return False
    part = action.resource.partition("/")[2]
    named = covers(rule.get("resources"), action.resource) or (part and f"*/{part}" in rule["resources"])
    if not named:
        return False
    names = rule.get("resourceNames")
    return not names or action.name in names
