import type { RequestListener } from "node:http";
import type { Server, ServerOptions } from "node:https";

export { SecureIoError } from "./index.mjs";

/** A certificate of a test PKI, with what a right client does with it. */
export interface Fixture {
  readonly name: string;
  /** The host that a client asks for. */
  readonly host: string;
  /** True if a right client accepts it. */
  readonly valid: boolean;
  /** The reason that it is refused, as `secure-io verify` names it. */
  readonly code?: string;
  /** The reason in words. */
  readonly why: string;
  /** True if Node's TLS accepts it, which is `valid` but for known leniencies. */
  readonly accepted: boolean;
  /** False if a server of Node's refuses the files. */
  readonly loads: boolean;
  /** The certificate and the intermediates above it, PEM. */
  readonly cert: string;
  /** The private key, PEM. */
  readonly key: string;
  /** The root to trust, PEM. */
  readonly ca: string;
  /** The CRLs that a client needs, PEM. */
  readonly crl: string[];
  readonly files: { readonly chain: string; readonly key: string; readonly trust: string; readonly crls: string[] };
}

export interface Fixtures extends Iterable<Fixture> {
  /** Folder of the tree. */
  readonly folder: string;
  get(name: string): Fixture;
}

/**
 * Builds what is missing or stale of a tree: of the manifest named, of the project's `secure-io.toml`, or else of the
 * manifest that `secure-io fixtures init` writes, in the user's cache.
 */
export function fixtures(manifest?: string | { manifest?: string }): Promise<Fixtures>;

export interface ServedFixture {
  readonly server: Server;
  readonly fixture: Fixture;
  readonly port: number;
  readonly url: string;
  /** Options for `https.get`, `tls.connect` and their kin that lead to the server, whether or not its host resolves. */
  readonly connect: { host: string; port: number; servername: string; ca: string; agent: false };
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServeOptions {
  manifest?: string;
  handler?: RequestListener;
  port?: number;
  host?: string;
  /** Further options of `https.createServer`. */
  tls?: ServerOptions;
}

/** Serves a fixture over HTTPS on loopback, as in `await serveFixture("expired")`. */
export function serveFixture(name: string, options?: ServeOptions): Promise<ServedFixture>;
