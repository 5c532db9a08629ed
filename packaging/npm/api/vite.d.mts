import type { Options } from "./index.mjs";

export interface PluginOptions extends Options {
  /** Hosts for the certificate, and to be allowed, beside localhost: names, wildcards, addresses. */
  names?: string[];
}

/** A plugin that gives `vite` and `vite preview` HTTPS. */
export default function secureIo(options?: PluginOptions): {
  name: string;
  config(config: any): Promise<any>;
  configureServer(server: any): void;
  configurePreviewServer(server: any): void;
};
