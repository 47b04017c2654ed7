"""``pods/log`` and ``pods/exec``."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import datetime

from aiohttp import WSMsgType, web

from tests.emulator.container import Container
from tests.emulator.errors import ApiError, bad_request
from tests.emulator.kubelet import Kubelet
from tests.emulator.logs import Wanted
from tests.emulator.objects import Object, name_of
from tests.emulator.watching import is_set

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, STATUS = 0, 1, 2, 3
CLOSE = 255


async def send_log(request: web.Request, pod: Object, kubelet: Kubelet) -> web.StreamResponse:
    """The log of a container; raises 400 for one that has not started."""
    query = request.query
    container = kubelet.container(pod, query.get("container", ""))
    log = container.previous_log if is_set(query, "previous") else container.log
    if log is None:
        raise _no_log(pod, container, previous=is_set(query, "previous"))
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        async for line in log.read(_wanted(query)):
            await response.write(line)
    return response


def _no_log(pod: Object, container: Container, previous: bool) -> ApiError:
    named = f'container "{container.name}" in pod "{name_of(pod)}"'
    if previous:
        return bad_request(f"previous terminated {named} not found")
    why = container.state.get("waiting", {}).get("reason", "PodInitializing")
    told = "trying and failing to pull image" if why in ("ErrImagePull", "ImagePullBackOff") else ""
    return bad_request(f"{named} is {told or f'waiting to start: {why}'}")


def _wanted(query: Mapping[str, str]) -> Wanted:
    since = None
    if text := query.get("sinceTime"):
        since = datetime.fromisoformat(text.replace("Z", "+00:00"))
    elif text := query.get("sinceSeconds"):
        since = Wanted.after_seconds(int(text))
    tail, limit = query.get("tailLines"), query.get("limitBytes")
    return Wanted(
        follow=is_set(query, "follow"),
        timestamps=is_set(query, "timestamps"),
        tail=int(tail) if tail else None,
        since=since,
        limit=int(limit) if limit else None,
    )


async def execute(request: web.Request, pod: Object, kubelet: Kubelet) -> web.StreamResponse:
    """Run a command in a container over a websocket: one channel a stream, the last for the exit code."""
    container = kubelet.container(pod, request.query.get("container", ""))
    process = await container.execute(request.query.getall("command"))
    if process is None:
        raise ApiError(500, "InternalError", f"container {container.name} is not running")
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    await socket.prepare(request)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdin is not None
    if not is_set(request.query, "stdin"):
        process.stdin.close()
    feeding = asyncio.create_task(_feed(socket, process.stdin))
    with contextlib.suppress(ConnectionError):
        pumps = (_pump(socket, STDOUT, process.stdout), _pump(socket, STDERR, process.stderr))
        await asyncio.gather(*pumps)
        code = await process.wait()
        await socket.send_bytes(bytes([STATUS]) + json.dumps(_status(code)).encode())
        await socket.close()
    feeding.cancel()
    return socket


async def _feed(socket: web.WebSocketResponse, stdin: asyncio.StreamWriter) -> None:
    async for message in socket:
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            continue
        data = message.data if isinstance(message.data, bytes) else message.data.encode()
        with contextlib.suppress(ConnectionError):
            if data[:1] == bytes([STDIN]):
                stdin.write(data[1:])
                await stdin.drain()
            elif data[:2] == bytes([CLOSE, STDIN]):
                stdin.close()


async def _pump(socket: web.WebSocketResponse, channel: int, stream: asyncio.StreamReader) -> None:
    while data := await stream.read(1 << 16):
        await socket.send_bytes(bytes([channel]) + data)


def _status(code: int) -> Object:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    causes = {"causes": [{"reason": "ExitCode", "message": str(code)}]}
    message = f"command terminated with non-zero exit code: exit status {code}"
    head = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": message}
    return {**head, "details": causes}
