"""Certificates for servers and test suites in Python, by the program ``secure-io`` that comes with this package."""

from ._credentials import Credentials, credentials
from ._fixtures import Fixture, Fixtures, fixtures
from ._program import SecureIoError, program, run

__all__ = [
    "Credentials",
    "Fixture",
    "Fixtures",
    "SecureIoError",
    "credentials",
    "fixtures",
    "program",
    "run",
]
