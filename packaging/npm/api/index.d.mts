import type { SecureContext } from "node:tls";

/** A server whose certificate can be replaced: those of `node:https`, `node:http2` and `node:tls`. */
export interface SecureServer {
  setSecureContext(options: { key: string; cert: string }): void;
  once(event: "close", listener: () => void): unknown;
}

/** A certificate and its key, to be given to `https.createServer` and its kin as options. */
export interface Credentials {
  /** The private key, PEM. */
  readonly key: string;
  /** The certificate and the intermediates above it, PEM. */
  readonly cert: string;
  /** Shows renewed files to clients that send a server name. */
  readonly SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) => void;
  /** The files that key and certificate are read from. */
  readonly files: { readonly cert: string; readonly key: string };
  /** True if there is no local CA, so that browsers warn. */
  readonly isSelfSigned: boolean;
  /** The file of the local CA's root, for clients: `new https.Agent({ ca: readFileSync(root) })`. */
  readonly root: string | undefined;
  /** The hosts that were asked for. */
  readonly names: readonly string[];
  /** Shows renewed files to clients that send no server name, too. Returns a function that ends that. */
  watch(server: SecureServer): () => void;
}

export interface Options {
  /** Folder for the files; by default one for these hosts in the user's data folder. */
  folder?: string;
  /** Folder of the local CA; by default the user's. */
  caDir?: string;
  /** Leaves out the line that says how to get rid of the browser's warning. */
  quiet?: boolean;
}

/**
 * A certificate for hosts (names, wildcards, addresses), by default localhost, 127.0.0.1 and ::1: from the local CA where
 * there is one, else self-signed. One that is there already is used while it fits.
 */
export function credentials(...names: string[]): Promise<Credentials>;
export function credentials(...namesAndOptions: [...string[], Options]): Promise<Credentials>;

/** What the program refused to do, with its advice. */
export class SecureIoError extends Error {
  readonly reason: string;
  readonly hints: readonly string[];
}
