"""One request to a server of ours that is no call of a model: to an API, or about the server itself."""

from __future__ import annotations

from sqlrec.errors import RemoteError
from sqlrec.spec.access import Access


def ask(
    service: str, url: str, access: Access | None, body: bytes | None = None, *, timeout: float
) -> tuple[int, str]:
    """Status and text of the answer to a GET, or with a JSON ``body`` to a POST; waits ``timeout`` seconds.

    Raises ``RemoteError`` SR610 without an answer, ``SetupError`` SR621, SR622 for a token or certificate
    that cannot be read here.
    """
    import httpx

    from sqlrec.scoring.credentials import connection

    headers = {} if body is None else {"Content-Type": "application/json"}
    try:
        with httpx.Client(timeout=timeout, headers=headers, **connection(service, access)) as client:
            answer = client.request("GET" if body is None else "POST", url, content=body)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        what = str(error) or type(error).__name__
        raise RemoteError(
            "SR610",
            f"service {service} at {url} cannot be reached: {what}",
            hint="see whether it runs and is ready",
            retriable=True,
        ) from None
    return answer.status_code, answer.text
