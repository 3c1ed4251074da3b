"""Who is let in, and what is told of those who are not."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections import Counter

import uvloop
from aiohttp import web

from xds.web.http import listen, peer_of
from xds.web.share import Shares
from xds.web.tls import client_context, server_context


def serving(files, clients) -> list[tuple[str, str]]:
    """The handshakes that failed while `clients`, given the address, ran in a thread."""
    refused: list[tuple[str, str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=peer_of(request)[1] or "nobody")

    async def serve() -> None:
        context = server_context(files / "server.pem", files / "server-key.pem", files / "ca.pem")
        server = web.Server(answer)
        with socket.create_server(("127.0.0.1", 0)) as sock:
            address = sock.getsockname()
            listening = await listen(server, sock, context, 10, lambda *failed: refused.append(failed))
            await asyncio.to_thread(clients, address)
            await asyncio.sleep(0)
            listening.close()
            await server.shutdown(1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    return refused


def ask(address, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(address, 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
        return answer.decode().rpartition("\r\n")[2]


def fails(address, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        assert ask(address, context) == ""


def test_who_is_let_in_is_known_by_the_certificate(files):
    der = ssl.PEM_cert_to_DER_cert((files / "client.pem").read_text())
    answers = []
    ours = client_context(files / "ca.pem", files / "client.pem", files / "client-key.pem")

    assert serving(files, lambda address: answers.append(ask(address, ours))) == []
    assert answers == [hashlib.sha256(der).hexdigest()]


def test_of_who_is_not_let_in_the_reason_is_told(files):
    ours = client_context(files / "ca.pem", files / "client.pem", files / "client-key.pem")
    nobody = client_context(files / "ca.pem", None, None)
    stranger = client_context(files / "ca.pem", files / "other-client.pem", files / "other-client-key.pem")

    def clients(address) -> None:
        for context in (nobody, nobody, stranger):
            fails(address, context)
        with socket.create_connection(address, 10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert plain.recv(100)[:1] != b"H"
        socket.create_connection(address, 10).close()
        assert ask(address, ours)

    assert Counter(serving(files, clients)) == {
        ("127.0.0.1", "PEER_DID_NOT_RETURN_A_CERTIFICATE"): 2,
        ("127.0.0.1", "CERTIFICATE_VERIFY_FAILED"): 1,
        ("127.0.0.1", "HTTP_REQUEST"): 1,
        ("127.0.0.1", "DISCONNECTED"): 1,
    }


def test_a_caller_is_left_to_the_process_with_fewer_connections(files):
    ours = client_context(files / "ca.pem", files / "client.pem", files / "client-key.pem")
    answered = []

    def call(address, kept: contextlib.ExitStack) -> None:
        plain = kept.enter_context(socket.create_connection(address, 10))
        connection = kept.enter_context(ours.wrap_socket(plain, server_hostname="localhost"))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer or not answer[-1:].isdigit():
            answer += connection.recv(4096)
        answered.append(answer[-1:])

    async def serve() -> None:
        context = server_context(files / "server.pem", files / "server-key.pem", files / "ca.pem")
        shares = Shares(2)
        with socket.create_server(("127.0.0.1", 0)) as sock, contextlib.ExitStack() as kept:
            address, servers, listening = sock.getsockname(), [], []
            for slot, each in enumerate((sock, sock.dup())):

                async def answer(request: web.BaseRequest, slot: int = slot) -> web.StreamResponse:
                    return web.Response(text=str(slot))

                servers.append(web.Server(answer))
                listening.append(await listen(servers[-1], each, context, 10, print, shares.of(slot)))
            for _ in range(6):
                await asyncio.to_thread(call, address, kept)
            for each in listening:
                each.close()
            for server in servers:
                await server.shutdown(1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    assert sorted(answered) == [b"0"] * 3 + [b"1"] * 3
