"""A certificate for a server: from the local CA where there is one, else self-signed."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import ssl
import sys

from ._program import run


def data_folder() -> pathlib.Path:
    """The folder for what is kept from run to run, as the program has it."""
    if os.name == "nt":
        return pathlib.Path(os.environ.get("APPDATA") or pathlib.Path.home() / "AppData/Roaming") / "secure-io"
    return pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "secure-io"


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A certificate and its key in files, for ``ssl``, uvicorn, aiohttp and others."""

    #: The certificate and the intermediates above it, PEM.
    certfile: str
    #: The private key, PEM.
    keyfile: str
    #: What clients have to trust: the local CA's root, or the self-signed certificate.
    cafile: str
    #: True if there is no local CA, so that browsers warn.
    is_self_signed: bool

    def server_context(self) -> ssl.SSLContext:
        """A context that shows the files as they are at each handshake: what was renewed needs no restart."""
        context, current = self._context(), [self._seen(), None]

        def renewed(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            try:
                seen = self._seen()
                if seen != current[0]:
                    current[:] = seen, self._context()
            except (OSError, ssl.SSLError):
                # A set is replaced at once, so what cannot be read has been removed: what was there serves on.
                pass
            if current[1] is not None:
                connection.context = current[1]

        context.sni_callback = renewed
        return context

    def client_context(self) -> ssl.SSLContext:
        """A context for clients that trust this server, and no other."""
        return ssl.create_default_context(cafile=self.cafile)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certfile, self.keyfile)
        return context

    def _seen(self) -> tuple[int, int]:
        return os.stat(self.certfile).st_mtime_ns, os.stat(self.keyfile).st_mtime_ns


_told: set[str] = set()


def credentials(
    *names: str,
    ca_dir: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Credentials:
    """Makes a certificate for hosts (names, wildcards, addresses), by default localhost, 127.0.0.1 and ::1.

    It is signed by the local CA where there is one, else by itself. One that is there already is used while it fits. It
    is kept in the user's data folder unless ``folder`` names another.
    """
    in_ca_dir = [] if ca_dir is None else ["--ca-dir", os.fspath(ca_dir)]
    root = pathlib.Path(run("ca", "path", *in_ca_dir).rstrip("\n")) / "root.pem"
    is_self_signed = not root.exists()
    place = pathlib.Path(folder) if folder is not None else data_folder() / "credentials" / _slug(names)
    issuer = ["--self-signed"] if is_self_signed else ["--ca", *in_ca_dir]
    run("gen-cert", "--quiet", "--renew", "--out-dir", place, *issuer, "--", *names)
    certificate = str(place / "server-cert.pem")
    if is_self_signed and not quiet and str(place) not in _told:
        _told.add(str(place))
        print(
            f"secure-io: the certificate for {', '.join(names) or 'localhost'} is self-signed, so browsers warn; "
            "for the padlock: secure-io ca trust",
            file=sys.stderr,
        )
    cafile = certificate if is_self_signed else str(root)
    return Credentials(certificate, str(place / "server-key.pem"), cafile, is_self_signed)


def _slug(names: tuple[str, ...]) -> str:
    """A folder's name for these hosts."""
    text = "_".join(names).lower().replace("*", "any")
    return re.sub(r"[^a-z0-9._-]+", "-", text)[:120] or "localhost"
