"""Compares what `secure-io inspect -r --json` says of every certificate that Python's cryptography reads.

Prints a line for each difference, and at the end how many certificates are the same.
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import cryptography_vectors
from cryptography import x509
from cryptography.hazmat.primitives import hashes

warnings.simplefilter("ignore")

SHORT = {
    "2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
    "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
    "2.5.4.4": "sn", "2.5.4.5": "serialNumber", "2.5.4.12": "title", "2.5.4.13": "description",
    "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.42": "givenName", "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier", "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym",
    "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip
USAGES = {
    "digital_signature": "digitalSignature", "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment", "data_encipherment": "dataEncipherment", "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign", "crl_sign": "cRLSign",
}  # fmt: skip


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


def escaped(text):
    """RFC 4514 section 2.4, and what troubles terminals in hex."""
    out = ""
    for index, c in enumerate(text):
        point = ord(c)
        control = point < 32 or 0x7F <= point < 0xA0 or 0x200B <= point <= 0x200F or 0x2028 <= point <= 0x202E
        if c in '"+,;<>\\' or (c in "# " and index == 0) or (c == " " and index == len(text) - 1):
            out += "\\" + c
        elif control or 0x2060 <= point <= 0x206F or point == 0xFEFF:
            out += "".join(f"\\{octet:02x}" for octet in c.encode())
        else:
            out += c
    return out


def is_read_back(kind, text):
    """Some attributes are of types that hold a part of Unicode alone."""
    if kind == "serialNumber":
        return all(c.isascii() and (c.isalnum() or c in " '()+,-./:=?") for c in text)
    return text.isascii() if kind == "emailAddress" else True


def attribute(pair):
    oid, tag = pair.oid.dotted_string, pair._type.value
    if oid in SHORT and not isinstance(pair.value, bytes) and is_read_back(SHORT[oid], pair.value):
        return f"{SHORT[oid]}={escaped(pair.value)}"
    encodings = {30: "utf-16-be", 28: "utf-32-be", 12: "utf-8"}
    octets = pair.value if isinstance(pair.value, bytes) else pair.value.encode(encodings.get(tag, "latin-1"))
    return f"{SHORT.get(oid, oid)}=#{der(tag, octets).hex()}"


def name(value):
    return ",".join("+".join(attribute(pair) for pair in rdn) for rdn in reversed(value.rdns))


def general_name(value):
    if isinstance(value, x509.DirectoryName):
        return "dirName:" + name(value.value)
    if isinstance(value, x509.RegisteredID):
        return "RID:" + value.value.dotted_string
    if isinstance(value, x509.OtherName):
        return "otherName:" + value.type_id.dotted_string
    kinds = {x509.DNSName: "DNS", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "URI", x509.IPAddress: "IP"}
    return f"{kinds[type(value)]}:{value.value}"


def serial(text):
    number = int(text, 16)
    return number - (1 << 4 * len(text)) if int(text[:1], 16) & 8 else number


def facts(certificate):
    """What Python says, in our words; what it refuses to say is left out."""
    said = {
        "serial": lambda: certificate.serial_number,
        "subject": lambda: name(certificate.subject),
        "issuer": lambda: name(certificate.issuer),
        "not_before": lambda: certificate.not_valid_before_utc.replace(tzinfo=None).isoformat() + "Z",
        "not_after": lambda: certificate.not_valid_after_utc.replace(tzinfo=None).isoformat() + "Z",
        "sha256_fingerprint": lambda: certificate.fingerprint(hashes.SHA256()).hex(),
        "bits": lambda: certificate.public_key().key_size,
        "extensions": lambda: [(one.oid.dotted_string, one.critical) for one in certificate.extensions],
        "subject_alt_names": lambda: [general_name(one) for one in extension(certificate, x509.SubjectAlternativeName)],
        "key_usage": lambda: [
            ours for theirs, ours in USAGES.items() if getattr(extension(certificate, x509.KeyUsage), theirs)
        ],
        "is_ca": lambda: extension(certificate, x509.BasicConstraints).ca,
        "path_len": lambda: extension(certificate, x509.BasicConstraints).path_length,
    }
    facts = {}
    for key, say in said.items():
        try:
            facts[key] = say()
        except Exception:  # noqa: BLE001 - it refuses in many ways
            pass
    return facts


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind).value


def ours(item):
    names = [name if not name.startswith("otherName:") else name.split(";")[0] for name in item["subject_alt_names"]]
    return {
        **item,
        "serial": serial(item["serial"]),
        "bits": item["public_key"].get("bits"),
        "extensions": [(one["oid"], one["critical"]) for one in item["extensions"]],
        "subject_alt_names": names,
        "key_usage": [usage for usage in item["key_usage"] if usage in USAGES.values()],
        "path_len": item.get("path_len"),
    }


def read(path):
    octets = path.read_bytes()
    try:
        if b"-----BEGIN" in octets:
            return x509.load_pem_x509_certificates(octets)
        return [x509.load_der_x509_certificate(octets)]
    except (ValueError, x509.InvalidVersion):
        return None


binary, *more = sys.argv[1:]
folder = Path(cryptography_vectors.__file__).parent / "x509"
command = [binary, "inspect", "-r", "--json", folder, *more]
items = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
found = {}
for item in items:
    if item["kind"] == "certificate":
        found.setdefault(item["source"], []).append(item)
same = 0
for path in sorted(path for path in [*folder.rglob("*"), *map(Path, more)] if path.is_file()):
    if (certificates := read(path)) is None:
        continue
    items = found.get(str(path), [])
    if len(items) != len(certificates):
        print(f"{path.name}: {len(items)} certificates, not {len(certificates)}")
        continue
    for certificate, item in zip(certificates, items):
        item = ours(item)
        differing = {key: (item[key], value) for key, value in facts(certificate).items() if item[key] != value}
        same += not differing
        for key, (mine, theirs) in differing.items():
            print(f"{path.name}: {key}: {mine!r}, not {theirs!r}")
print(f"{same} certificates are the same")
