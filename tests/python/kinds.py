"""Says, for each file of cryptography_vectors that Python's cryptography reads, what it read: a path and a kind a line."""

import pathlib
import warnings

import cryptography_vectors
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

warnings.simplefilter("ignore")


def encrypted_or(kind, load):
    """A key that wants a password is there, too, though it cannot be read."""

    def attempt(data):
        try:
            load(data, None)
        except TypeError:
            return "an encrypted private key"
        return kind

    return attempt


def plain(kind, load):
    def attempt(data):
        load(data)
        return kind

    return attempt


READERS = [
    plain("a certificate", x509.load_pem_x509_certificates),
    plain("a certificate", x509.load_der_x509_certificate),
    plain("a certification request (CSR)", x509.load_pem_x509_csr),
    plain("a certification request (CSR)", x509.load_der_x509_csr),
    plain("a certificate revocation list (CRL)", x509.load_pem_x509_crl),
    plain("a certificate revocation list (CRL)", x509.load_der_x509_crl),
    encrypted_or("a private key", serialization.load_pem_private_key),
    encrypted_or("a private key", serialization.load_der_private_key),
    encrypted_or("a private key", serialization.load_ssh_private_key),
    plain("a public key", serialization.load_pem_public_key),
    plain("a public key", serialization.load_der_public_key),
    plain("DH parameters", serialization.load_pem_parameters),
    plain("DH parameters", serialization.load_der_parameters),
    plain("a PKCS#7 bundle", pkcs7.load_pem_pkcs7_certificates),
    plain("a PKCS#7 bundle", pkcs7.load_der_pkcs7_certificates),
]


def kinds(path, data):
    for reader in READERS:
        try:
            yield reader(data)
        except Exception:
            pass
    if path.suffix in (".p12", ".pfx"):
        yield "a PKCS#12 file"


root = pathlib.Path(cryptography_vectors.__file__).parent
for path in sorted(root.rglob("*")):
    if path.is_file() and path.suffix not in (".py", ".pyc", ".txt", ".rsp", ".json", ".pub"):
        for kind in set(kinds(path, path.read_bytes())):
            print(f"{path}\t{kind}")
