"""pkilint's findings. Reads lines of `TYPE HEX`, writes a line of sorted codes for each.

TYPE is one of pkilint's kinds of certificate, as in DV-FINAL-CERTIFICATE; what it cannot load gives `unloadable`.
"""

import sys
from functools import cache

from pkilint import loader
from pkilint.cabf import serverauth
from pkilint.cabf.serverauth.serverauth_constants import CertificateType
from pkilint.pkix import certificate


@cache
def validator(kind):
    return certificate.create_pkix_certificate_validator_container(
        serverauth.create_decoding_validators(),
        serverauth.create_validators(CertificateType.from_option_str(kind)),
    )


def codes(kind, der):
    try:
        parsed = loader.load_certificate(der, "it")
        results = validator(kind).validate(parsed.root)
    except Exception as error:  # what it raises depends on what is wrong
        return ["unloadable " + type(error).__name__]
    found = (finding for result in results for finding in result.finding_descriptions)
    return {finding.finding.code for finding in found if finding.finding.severity.name != "DEBUG"}


# All of it first: whoever writes it reads only then.
for line in sys.stdin.readlines():
    kind, der = line.split()
    print(" ".join(sorted(codes(kind, bytes.fromhex(der)))))
