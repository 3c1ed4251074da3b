from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from xds.errors import Misconfigured
from xds.web.tls import client_context, server_context


@pytest.fixture
def address(files) -> Iterator[tuple[str, int]]:
    """A TLS server that greets whom it lets in."""
    context = server_context(files / "server.pem", files / "server-key.pem", files / "ca.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(1)
                        connection.sendall(b"resumed" if connection.session_reused else b"welcome")
                        connection.unwrap()
                except OSError:
                    plain.close()

        threading.Thread(target=greet, daemon=True).start()
        yield listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)


def greeting(address, context: ssl.SSLContext, session=None) -> tuple[bytes, ssl.SSLSession | None, str]:
    with (
        socket.create_connection(address) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
    ):
        connection.sendall(b"?")
        answer = connection.recv(10), connection.session, connection.cipher()[0]
        # Only a session that was closed as it should be may be resumed.
        connection.unwrap()
        return answer


def ours(files: Path) -> ssl.SSLContext:
    return client_context(files / "ca.pem", files / "client.pem", files / "client-key.pem")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_of_our_ca_is_let_in_and_may_resume_its_session(files, address, version):
    context = ours(files)
    context.minimum_version = context.maximum_version = version

    first, session, _ = greeting(address, context)
    second, _, _ = greeting(address, context, session)

    assert (first, second) == (b"welcome", b"resumed")


def test_a_client_without_a_certificate_is_refused(files, address):
    with pytest.raises(OSError):
        assert greeting(address, client_context(files / "ca.pem", None, None))[0]
        raise OSError("closed without a word")


def test_a_client_of_another_ca_is_refused(files, address):
    context = client_context(files / "ca.pem", files / "other-client.pem", files / "other-client-key.pem")

    with pytest.raises(OSError):
        assert greeting(address, context)[0]
        raise OSError("closed without a word")


def test_a_server_of_another_ca_is_refused(files, address):
    context = client_context(files / "other-ca.pem", files / "client.pem", files / "client-key.pem")

    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(address, context)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_and_weak_suites_are_refused(files, address):
    for weaken in (
        lambda context: setattr(context, "maximum_version", ssl.TLSVersion.TLSv1_1),
        lambda context: (
            setattr(context, "maximum_version", ssl.TLSVersion.TLSv1_2),
            context.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"),
        ),
    ):
        context = ours(files)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        weaken(context)
        with pytest.raises(OSError):
            greeting(address, context)


def test_a_key_of_another_certificate_is_a_mistake(files):
    with pytest.raises(Misconfigured, match="can't be used"):
        server_context(files / "server.pem", files / "client-key.pem", None)


def test_an_absent_ca_is_a_mistake(files):
    with pytest.raises(Misconfigured, match=r"none\.pem can't be used: No such file"):
        server_context(files / "server.pem", files / "server-key.pem", files / "none.pem")
