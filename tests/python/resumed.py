"""Python's ssl, requests and aiohttp as clients that show a certificate: let in, then, once the file `go` is there, refused.

Arguments: the port and the version of TLS. The session of the first connection is taken up again by the ssl module in
each of the next.
"""

import asyncio
import os
import socket
import ssl
import sys
import time

import aiohttp
import requests

PORT, VERSION = int(sys.argv[1]), sys.argv[2]
URL = f"https://localhost:{PORT}/"
FILES = ("alice.pem", "alice-key.pem")


def context():
    made = ssl.create_default_context(cafile="cert.pem")
    made.minimum_version = made.maximum_version = getattr(ssl.TLSVersion, VERSION)
    made.load_cert_chain(*FILES)
    return made


CONTEXT = context()


def by_ssl(session=None):
    with socket.create_connection(("127.0.0.1", PORT), timeout=20) as tcp:
        with CONTEXT.wrap_socket(tcp, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := tls.recv(4096):
                answer += part
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            return tls.session, tls.session_reused


def by_requests():
    # It takes any version that both know.
    answer = requests.get(URL, cert=FILES, verify="cert.pem", timeout=20)
    assert answer.status_code == 200


def by_aiohttp():
    async def ask():
        async with aiohttp.ClientSession() as client, client.get(URL, ssl=context()) as answer:
            assert answer.status == 200

    asyncio.run(ask())


def tried(name, function):
    try:
        function()
        print(name, "let in", flush=True)
    except (OSError, aiohttp.ClientError) as error:
        print(name, "refused", type(error).__name__, flush=True)


session, _ = by_ssl()
_, is_reused = by_ssl(session)
print("ssl", "resumed" if is_reused else "not resumed", flush=True)
tried("requests", by_requests)
tried("aiohttp", by_aiohttp)
print("ready :1", flush=True)
while not os.path.exists("go"):
    time.sleep(0.02)
tried("ssl", lambda: by_ssl(session))
tried("requests", by_requests)
tried("aiohttp", by_aiohttp)
