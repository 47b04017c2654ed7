from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable

import pytest

from sqlrec.errors import StateError
from sqlrec.serving.listener import Door, listen, share_or_listen


def answering(text: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that says this to everybody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n\r\n{text}".encode())
        writer.close()

    return answer


def health(service: str, door: str) -> str:
    return json.dumps({"service": service, "handover": door})


async def refusal(port: int) -> StateError:
    with pytest.raises(StateError) as caught:
        await share_or_listen("127.0.0.1", port, "ranker")
    assert caught.value.code == "SR673"
    return caught.value


def test_a_free_port_is_bound() -> None:
    async def scenario() -> None:
        with listen("127.0.0.1", 0) as probe:
            port = probe.getsockname()[1]
        with await share_or_listen("127.0.0.1", port, "ranker") as listener:
            assert listener.getsockname() == ("127.0.0.1", port)
        with await share_or_listen("127.0.0.1", 0, "ranker") as listener:
            assert listener.getsockname()[1] > 0

    asyncio.run(scenario())


def test_a_neighbour_hands_over_its_socket_with_what_waits_in_it() -> None:
    async def scenario() -> None:
        door = Door()
        first = listen("127.0.0.1", 0)
        port = first.getsockname()[1]
        server = await asyncio.start_server(answering(health("ranker", door.name)), sock=first.dup())
        door.open(first)
        second = await share_or_listen("127.0.0.1", port, "ranker")
        server.close()
        door.close()
        with socket.create_connection(("127.0.0.1", port)) as client:  # waits in the queue that both share
            first.close()
            accepted, _ = second.accept()
            with second, accepted:
                accepted.sendall(b"from the second")
                assert client.recv(100) == b"from the second"

    asyncio.run(scenario())


def test_a_closed_door() -> None:
    async def scenario() -> None:
        door = Door()
        answer = answering(health("ranker", door.name))
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert "does not share its socket" in (await refusal(port)).message
        server.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        (health("other", "d"), "service other"),
        ("hello", "something that is no service of ours"),
        ("[1]", "something that is no service of ours"),
        ('{"service": "ranker"}', "something that is no service of ours"),
    ],
)
def test_others_keep_their_port(text: str, holder: str) -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(answering(text), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert (await refusal(port)).message == f"127.0.0.1:{port} is held by {holder}"
        server.close()

    asyncio.run(scenario())


def test_all_addresses_are_probed_through_this_machine() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(answering(health("other", "d")), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StateError, match="held by service other"):
            await share_or_listen("0.0.0.0", port, "ranker")
        server.close()

    asyncio.run(scenario())


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(StateError, match=r"cannot listen on no\.such\.host\.invalid:80"):
        asyncio.run(share_or_listen("no.such.host.invalid", 80, "ranker"))
