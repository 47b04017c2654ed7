"""Names as Kubernetes allows them: of objects, labels, annotations, variables."""

from __future__ import annotations

import re

from sqlrec.errors import OptionError

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_QUALIFIED = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
RESERVED = ("sqlrec.io/", "app.kubernetes.io/", "batch.kubernetes.io/", "job-name", "controller-uid")
"""Labels that sqlrec and Kubernetes themselves give to pods and find them by."""


def require_namespace(key: str, name: str) -> str:
    """The name of a namespace, an RFC 1123 label; raises ``OptionError`` SR371."""
    return _required(key, name, _LABEL, "at most 63 lower-case letters, digits and -")


def require_object(key: str, name: str) -> str:
    """The name of any other object, an RFC 1123 subdomain; raises ``OptionError`` SR371."""
    allowed = "lower-case letters, digits, - and ., at most 253"
    return _required(key, name, rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", allowed)


def require_key(key: str, name: str) -> str:
    """The key of a label, annotation or taint, ``[DOMAIN/]NAME``; raises ``OptionError`` SR371."""
    allowed = "letters, digits, -, _ and ., after a domain and / if there is one"
    return _required(key, name, rf"((?=[^/]{{1,253}}/){_LABEL}(\.{_LABEL})*/)?{_QUALIFIED}", allowed)


def require_own_key(key: str, name: str) -> str:
    """The key of a label or annotation that a script may give; raises ``OptionError`` SR371."""
    if name.startswith(RESERVED):
        raise OptionError(
            "SR371", f"option {key!r}: {name!r} is given to pods by sqlrec", hint="use another key"
        )
    return require_key(key, name)


def require_value(key: str, text: str) -> str:
    """The value of a label or taint; raises ``OptionError`` SR371."""
    return _required(key, text, rf"({_QUALIFIED})?", "at most 63 letters, digits, -, _ and .")


def require_variable(key: str, name: str) -> str:
    """The name of an environment variable; raises ``OptionError`` SR371."""
    return _required(key, name, r"[A-Za-z_][A-Za-z0-9_.-]*", "letters, digits and _, beginning with no digit")


def _required(key: str, text: str, form: str, allowed: str) -> str:
    if not re.fullmatch(form, text):
        raise OptionError("SR371", f"option {key!r} cannot be {text!r}", hint=f"Kubernetes takes {allowed}")
    return text
