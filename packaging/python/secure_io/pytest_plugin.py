"""Fixtures for pytest: ``fixture_tree``, a test PKI, and ``tls_server``, which serves a certificate of it."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator

import pytest

from . import Fixture, Fixtures, SecureIoError, fixtures


class TlsServer:
    """An HTTPS server on loopback."""

    def __init__(self, fixture: Fixture, handler: type[socketserver.BaseRequestHandler]) -> None:
        self.fixture = fixture
        self._context = fixture.server_context()
        self._server = _Server(("127.0.0.1", 0), handler, self._context)
        #: Where it listens, whatever its host resolves to.
        self.address: tuple[str, int] = self._server.server_address[:2]
        self.port = self.address[1]
        self.url = f"https://{fixture.host}:{self.port}/"
        #: The root to trust.
        self.cafile = fixture.cafile
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, address, handler, context: ssl.SSLContext) -> None:
        super().__init__(address, handler)
        self._context = context

    def get_request(self):
        connection, client = self.socket.accept()
        # The handshake is the thread's affair, so that a client that does none keeps nobody waiting.
        connection.settimeout(10)
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), client

    def handle_error(self, request, client_address) -> None:
        # Clients that refuse the certificate hang up, which is what tests are about.
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802
        body = b"ok\n"
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words) -> None:
        pass


@pytest.fixture(scope="session")
def fixture_tree() -> Fixtures:
    """The test PKI of the project's ``secure-io.toml``, or else the default one; what is missing or stale is built."""
    return fixtures()


def _usual(tree: Fixtures) -> Fixture:
    """A good certificate, for localhost if there is one."""
    good = [fixture for fixture in tree.values() if fixture.valid and fixture.loads]
    if not good:
        raise SecureIoError("the tree has no good certificate")
    return next((fixture for fixture in good if fixture.host == "localhost"), good[0])


@pytest.fixture
def tls_server(fixture_tree: Fixtures, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Starts HTTPS servers: ``tls_server()`` with a good certificate, ``tls_server("expired")`` with that of the tree.

    While the test runs, the host of each server leads to it, as names below ``.localhost`` do in browsers.
    """
    hosts: set[str] = set()
    lookup = socket.getaddrinfo

    def getaddrinfo(host, *words, **named):
        name = host.decode() if isinstance(host, bytes) else host
        return lookup("127.0.0.1" if name in hosts else host, *words, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with contextlib.ExitStack() as servers:

        def start(name: str | None = None, handler: type[socketserver.BaseRequestHandler] = _Handler) -> TlsServer:
            fixture = _usual(fixture_tree) if name is None else fixture_tree[name]
            server = TlsServer(fixture, handler)
            servers.callback(server.close)
            hosts.add(fixture.host)
            return server

        yield start
