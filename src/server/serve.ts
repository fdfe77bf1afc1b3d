/** A server from ensemble files: open it, let it answer, have its files read again, end it. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { LlamafuseError } from "../errors.js";
import { makeApp } from "./app.js";
import { readApiKeys } from "./http/api-keys.js";
import { isLoopback } from "./http/guard.js";
import { type Limits, USUAL_LIMITS } from "./limits.js";
import { ModelPool, type PoolEvent } from "./models/model-pool.js";
import { type Machine, readModelSpecs } from "./models/model-spec.js";

const SWEEP_MS = 100;

export interface ServeOptions extends Machine {
  /** Ensemble files; none: the native experts. */
  ensembles?: readonly string[];
  /** Default: 127.0.0.1. Others need keys. */
  host?: string;
  /** Default: 8080; 0 takes a free one. */
  port?: number;
  apiKeyFile?: string;
  allowedHosts?: readonly string[];
  allowedOrigins?: readonly string[];
  /** Bytes of models that may be loaded. Default: half of the machine's memory. */
  memory?: number;
  /** Load all models before the server answers. */
  preload?: boolean;
  limits?: Partial<Limits>;
  onEvent?: (event: ServerEvent) => void;
}

export type ServerEvent = PoolEvent | { what: "request-failed"; requestId: string; error: unknown };

export interface RunningServer {
  /** `http://127.0.0.1:8080` */
  readonly address: string;
  /** Read the ensemble files and the keys again. Errors: those of the files; then everything stays as it is. */
  reload(): Promise<void>;
  /** Take no new requests, let those under way end, and free the models. The second call cancels what is still under way. */
  close(): Promise<void>;
}

/** Errors: invalid-option, file-unreadable, invalid-data, and with preload those of loading. */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080, ensembles = [], apiKeyFile, gpu, logs, slots, onEvent = () => {} } = options;
  if (!isLoopback(host) && apiKeyFile === undefined) {
    const message = `Listening on ${host} lets other machines in, and needs keys: give --api-key-file FILE, or leave out --host.`;
    throw new LlamafuseError("invalid-option", message, { option: "--host", found: host, allowed: "127.0.0.1" });
  }
  const limits = { ...USUAL_LIMITS, ...options.limits };
  const readSpecs = () => readModelSpecs(ensembles, { gpu, logs, slots });
  const readKeys = async () => (apiKeyFile === undefined ? [] : await readApiKeys(apiKeyFile));
  let keys = await readKeys();
  const models = new ModelPool(await readSpecs(), { ...limits, memory: options.memory, onEvent });
  const shutdown = new AbortController();
  let isClosing = false;
  const { allowedHosts: hosts = [], allowedOrigins: origins = [] } = options;
  const app = makeApp({
    models,
    limits,
    shutdown: shutdown.signal,
    isClosing: () => isClosing,
    guard: () => ({ keys, hosts, origins }),
    onFailure: (error, requestId) => onEvent({ what: "request-failed", requestId, error }),
  });
  const server = createAdaptorServer({
    fetch: app.fetch as never,
    overrideGlobalObjects: false,
    createServer: createServer as never,
    serverOptions: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    },
  }) as Server;
  server.maxConnections = limits.connections;
  try {
    if (options.preload === true) await models.preload();
    await listen(server, host, port);
  } catch (error) {
    await models.dispose();
    throw error;
  }
  return {
    address: addressOf(server),
    async reload() {
      const [specs, others] = await Promise.all([readSpecs(), readKeys()]);
      keys = others;
      models.configure(specs);
    },
    close: closer(server, models, shutdown, limits.drainMs, () => {
      isClosing = true;
    }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [option, why] =
      code === "EADDRINUSE"
        ? ["--port", `Port ${port} of ${host} is in use. Take another with --port, or 0 for a free one.`]
        : code === "EACCES"
          ? ["--port", `Port ${port} needs rights that this user has not. Take one above 1023.`]
          : ["--host", `Cannot listen on ${host}:${port}: ${message}.`];
    throw new LlamafuseError("invalid-option", why, { option, found: port, host }, error);
  }
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function closer(
  server: Server,
  models: ModelPool,
  shutdown: AbortController,
  drainMs: number,
  begin: () => void,
): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const cancel = () => shutdown.abort();
  return () => {
    if (closing !== undefined) cancel();
    closing ??= (async () => {
      begin();
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(cancel, drainMs);
      // Connections that were at work and are kept open by their clients.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(timer);
      await models.dispose();
    })();
    return closing;
  };
}
