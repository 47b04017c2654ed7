"""What looks like a secret: by the key it stands under, and by its own shape.

A misspelt key must not defeat the masking, so values are looked at as well.
"""

from __future__ import annotations

import re

MASK = "******"
"""What is shown in place of a secret."""

_KEY = re.compile(
    r"(^|[._])(api_?key|access_?key|private_?key|secret(_?key)?|password|passwd|passphrase|credentials?"
    r"|auth|(access_|auth_|refresh_|session_|id_|bearer_)?token|ap_?key|api_?ky)([._]|$)"
)
_VALUE = re.compile(
    r"(sk|pk|rk)-[\w-]{16,}"
    r"|(AKIA|ASIA)[A-Z0-9]{16}"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}"
    r"|xox[abprs]-[\w-]{10,}"
    r"|AIza[\w-]{30,}"
    r"|hf_\w{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|Bearer\s+\S{8,}"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)


def is_sensitive_key(key: str) -> bool:
    """Whether an option of this key holds a secret, such as ``openai.api_key`` or ``apiKey``."""
    folded = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").casefold()
    return _KEY.search(folded) is not None


def looks_secret(value: str) -> bool:
    """Whether a text has the shape of a key, token or URL with a password in it."""
    return _VALUE.search(value) is not None
