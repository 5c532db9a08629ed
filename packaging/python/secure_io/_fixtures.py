"""Test PKIs: good certificates and deliberately bad ones, each with what a right client does with it."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import json
import os
import pathlib
import ssl

from ._program import SecureIoError, run


@dataclasses.dataclass(frozen=True)
class Fixture:
    """A certificate of a tree. The files are PEM."""

    name: str
    #: The host that a client asks for.
    host: str
    #: True if a right client accepts it.
    valid: bool
    #: The reason that it is refused, as ``secure-io verify`` names it.
    code: str | None
    #: The reason in words.
    why: str
    #: True if Python's ``ssl`` accepts it, which is ``valid`` but for known leniencies.
    accepted: bool
    #: False if ``ssl`` refuses to load the files.
    loads: bool
    certfile: str
    keyfile: str
    #: The root to trust.
    cafile: str
    crls: tuple[str, ...]

    def server_context(self) -> ssl.SSLContext:
        """A context for a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certfile, self.keyfile)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A context for a client that trusts the root, and consults the CRLs."""
        context = ssl.create_default_context(cafile=self.cafile)
        for crl in self.crls:
            context.load_verify_locations(crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        return context


class Fixtures(collections.abc.Mapping):
    """A tree, by names: ``tree["expired"]``."""

    def __init__(self, folder: pathlib.Path, entries: list[dict]) -> None:
        self.folder = folder
        self._all = {entry["name"]: self._fixture(entry) for entry in entries}

    def _fixture(self, entry: dict) -> Fixture:
        at = lambda path: str(self.folder / path)  # noqa: E731
        ours = entry.get("clients", {}).get("python", {})
        return Fixture(
            name=entry["name"],
            host=entry["host"],
            valid=entry["valid"],
            code=entry.get("code"),
            why=entry["why"],
            accepted=ours.get("accepts", entry["valid"]),
            loads=ours.get("loads", True),
            certfile=at(entry["chain"]),
            keyfile=at(entry["key"]),
            cafile=at(entry["trust"]),
            crls=tuple(at(crl) for crl in entry.get("crls", [])),
        )

    def __getitem__(self, name: str) -> Fixture:
        return self._all[name]

    def __iter__(self):
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def fixtures(manifest: str | os.PathLike[str] | None = None) -> Fixtures:
    """Builds what is missing or stale of a tree, once for each process.

    The manifest is the one named, else the project's ``secure-io.toml`` (here or in a folder above), else the one that
    ``secure-io fixtures init`` writes, in the user's cache.
    """
    found = pathlib.Path(manifest) if manifest is not None else _manifest_above(pathlib.Path.cwd()) or _default_manifest()
    return _build(found.resolve())


@functools.lru_cache(maxsize=None)
def _build(manifest: pathlib.Path) -> Fixtures:
    report = json.loads(run("fixtures", "--json", manifest))
    folder = manifest.parent / report["folder"]
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return Fixtures(folder, expected["fixtures"])


def _manifest_above(folder: pathlib.Path) -> pathlib.Path | None:
    manifests = (above / "secure-io.toml" for above in (folder, *folder.parents))
    return next((manifest for manifest in manifests if manifest.exists()), None)


def _default_manifest() -> pathlib.Path:
    if os.name == "nt":
        cache = pathlib.Path(os.environ.get("LOCALAPPDATA") or pathlib.Path.home())
    else:
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    version = run("--version").split()[1]
    folder = cache / "secure-io" / f"fixtures-{version}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    manifest = folder / "secure-io.toml"
    if not manifest.exists():
        try:
            run("fixtures", "init", cwd=folder)
        except SecureIoError:
            # Another process was quicker.
            if not manifest.exists():
                raise
    return manifest
