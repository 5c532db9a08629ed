"""Shakes hands over each certificate of a tree, with Python's own TLS; prints a JSON object of what came of it."""

import json
import ssl
import sys
from pathlib import Path

folder = Path(sys.argv[1])


def meet(fixture):
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server_context.load_cert_chain(folder / fixture["chain"], folder / fixture["key"])
    except ssl.SSLError as error:
        return f"cannot be loaded: {error.reason}"
    client_context = ssl.create_default_context(cafile=folder / fixture["trust"])
    for crl in fixture.get("crls", []):
        client_context.load_verify_locations(folder / crl)
        client_context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=fixture["host"])
    for _ in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                return f"refuses: {error.verify_message.split(',')[0]}"
            except ssl.SSLError as error:
                return f"refuses: {error.reason}"
    return "accepts"


fixtures = json.loads((folder / "expected.json").read_text())["fixtures"]
print(json.dumps({fixture["name"]: meet(fixture) for fixture in fixtures}))
