"""Whether Python's cryptography and GnuTLS take certificates.

Reads lines of JSON: `leaf`, `untrusted`, `trust` and `crls` in hex, `purpose` (server, client, any), `at` in seconds since
1970, and maybe `host`. Writes a line for each: `cryptography` and `gnutls`, each `valid` or why not. Who cannot be asked is
left out: cryptography knows no CRLs, and no server without a name.
"""

import ctypes
import ipaddress
import json
import ssl
import sys
import warnings
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509 import verification

warnings.simplefilter("ignore")


def cryptography(case):
    if case["crls"] or (case["purpose"] == "server" and "host" not in case):
        return None
    try:
        leaf, *untrusted = map(x509.load_der_x509_certificate, [case["leaf"], *case["untrusted"]])
        store = verification.Store([x509.load_der_x509_certificate(der) for der in case["trust"]])
    except ValueError as error:
        return str(error)
    policy = verification.PolicyBuilder().store(store).time(datetime.fromtimestamp(case["at"], UTC))
    if case["purpose"] == "any":
        extensions = verification.ExtensionPolicy
        policy = policy.extension_policies(
            ca_policy=extensions.webpki_defaults_ca(), ee_policy=extensions.permit_all()
        )
    if case["purpose"] == "server":
        verifier = policy.build_server_verifier(subject(case["host"]))
    else:
        verifier = policy.build_client_verifier()
    try:
        verifier.verify(leaf, untrusted)
    except verification.VerificationError as error:
        return str(error)
    return "valid"


def subject(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.rstrip(".").encode("idna").decode())


gnutls_library = ctypes.CDLL("libgnutls.so.30")
PEM, DER = 1, 0
HOST_NAME, KEY_PURPOSE = 1, 2
PURPOSES = {"server": b"1.3.6.1.5.5.7.3.1", "client": b"1.3.6.1.5.5.7.3.2"}


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_uint)]


class TypedData(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("data", ctypes.c_char_p), ("size", ctypes.c_uint)]


def datum(octets):
    return ctypes.byref(Datum(octets, len(octets)))


def pem(label, ders):
    text = "".join(ssl.DER_cert_to_PEM_cert(der) for der in ders)
    return datum(text.replace("CERTIFICATE", label).encode())


def gnutls(case):
    """As `certtool --verify` asks it, which has no way to set the time."""
    time = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.POINTER(ctypes.c_long))(lambda _: case["at"])
    gnutls_library.gnutls_global_set_time_function(time)
    trust = ctypes.c_void_p()
    gnutls_library.gnutls_x509_trust_list_init(ctypes.byref(trust), 0)
    crls = pem("X509 CRL", case["crls"]) if case["crls"] else None
    gnutls_library.gnutls_x509_trust_list_add_trust_mem(trust, pem("CERTIFICATE", case["trust"]), crls, PEM, 0, 0)
    chain = [case["leaf"], *case["untrusted"]]
    certificates = (ctypes.c_void_p * len(chain))()
    for index, der in enumerate(chain):
        certificate = ctypes.c_void_p()
        gnutls_library.gnutls_x509_crt_init(ctypes.byref(certificate))
        if gnutls_library.gnutls_x509_crt_import(certificate, datum(der), DER) < 0:
            return "unreadable"
        certificates[index] = certificate
    asked = []
    if "host" in case:
        asked.append(TypedData(HOST_NAME, case["host"].encode(), 0))
    if case["purpose"] in PURPOSES:
        asked.append(TypedData(KEY_PURPOSE, PURPOSES[case["purpose"]], 0))
    data, status = (TypedData * len(asked))(*asked), ctypes.c_uint()
    result = gnutls_library.gnutls_x509_trust_list_verify_crt2(
        trust, certificates, len(chain), data, len(asked), 0, ctypes.byref(status), None
    )
    if result < 0:
        return f"error {result}"
    return "valid" if status.value == 0 else words(status)


def words(status):
    text = Datum()
    gnutls_library.gnutls_certificate_verification_status_print(status, 1, ctypes.byref(text), 0)
    return text.data.decode().removeprefix("The certificate is NOT trusted. ").strip()


def octets(case):
    lists = {key: [bytes.fromhex(der) for der in case[key]] for key in ("untrusted", "trust", "crls")}
    return {**case, **lists, "leaf": bytes.fromhex(case["leaf"])}


# All of it first: whoever writes it reads only then.
for line in sys.stdin.readlines():
    case = octets(json.loads(line))
    verdicts = {"cryptography": cryptography(case), "gnutls": gnutls(case)}
    print(json.dumps({name: verdict for name, verdict in verdicts.items() if verdict}))
