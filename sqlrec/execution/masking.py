"""Secrets as asterisks in what is shown and logged: values by their key and by their shape.

A literal that is a secret is refused when a script is compiled; this is the second net, for what a misspelt
key, a log line of a library or an older definition brings.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

from sqlrec.spec.options import OptionSet, OptionValue
from sqlrec.spec.secret import PREFIX
from sqlrec.spec.sensitive import MASK, is_sensitive_key, looks_secret

RANDOM_BITS = 4.4
"""Bits a character of a long text of letters and digits from which on it is taken for random."""

_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/_=-]{32,}")
_PAIR = re.compile(
    r"""(?P<key>[\w.-]*[A-Za-z_][\w.-]*)(?P<between>['"`]?\s*(?:=|:(?!//))\s*)"""
    r"""(?P<value>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s,;()'"]+)"""
)
_USER = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_BEARER = re.compile(r"(?<=Bearer )\S{8,}")
_WORD = re.compile(r"[\w+/=.-]{12,}")


def masked_options(
    options: Mapping[str, OptionValue], declared: OptionSet | None = None
) -> dict[str, OptionValue]:
    """Options as they are shown: a value that is a secret, or refers to one, as asterisks.

    ``declared`` are the options of the model type: it knows which are sensitive.
    """
    return {key: MASK if _is_secret(key, value, declared) else value for key, value in options.items()}


def _is_secret(key: str, value: OptionValue, declared: OptionSet | None) -> bool:
    option = declared.find(key) if declared else None
    by_key = is_sensitive_key(key) or (option is not None and option.sensitive)
    return isinstance(value, str) and (by_key or value.startswith(PREFIX) or is_secret_text(value))


def is_secret_text(text: str) -> bool:
    """Whether a text has the shape of a key or token, holds a password, or is long and random."""
    return looks_secret(text) or _is_random(text)


def _is_random(text: str) -> bool:
    if not _RANDOM.fullmatch(text):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares) >= RANDOM_BITS


def masked(text: str) -> str:
    """A text, such as a statement or a line of a log, without the secrets in it."""
    text = _KEY_BLOCK.sub(MASK, text)
    text = _BEARER.sub(MASK, _USER.sub(MASK, text))
    text = _PAIR.sub(_masked_pair, text)
    return _WORD.sub(lambda word: MASK if is_secret_text(word[0]) else word[0], text)


def _masked_pair(pair: re.Match[str]) -> str:
    value = pair["value"]
    quote = value[0] if value[0] in "'\"" else ""
    if not is_sensitive_key(pair["key"]) or value.strip(quote or " ") in ("", MASK):
        return pair[0]
    return f"{pair['key']}{pair['between']}{quote}{MASK}{quote}"
