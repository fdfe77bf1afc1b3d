/** Servers over native models, one a kind and model, closed when a file's tests are done. */
import { afterAll } from "vitest";
import type { ServerMemberOptions } from "../../../../src/member/member-options.js";
import type { ServerKind } from "../../../../src/member/remote/server.js";
import { nativeModel } from "../../../../src/native-models.js";
import { type ModelServer, serveModel } from "../../../support/model-server.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";
import { tokenizerJsonOf } from "../../../support/tokenizer-json-of.js";

export const CONTEXT = 256;
/** What the JSON of a float32 and a softmax of the server's own make of a log-probability in nats. */
export const ROUNDING = 5e-3;

export function nativeFile(name: string): string {
  return nativeModel(name).path;
}

/** Serves native models for a test file. */
export function servers() {
  const at = temporaryFolder();
  const open: ModelServer[] = [];
  afterAll(() => Promise.all(open.map((server) => server.close())));
  return {
    async serve(
      name: string,
      kind: ServerKind,
      options: { most?: number; scores?: boolean } = {},
    ): Promise<ModelServer> {
      const server = await serveModel(nativeFile(name), kind, { contextSize: CONTEXT, ...options });
      open.push(server);
      return server;
    },
    /** wren's tokenizer.json; robin's kind (SentencePiece) is not written by Hugging Face in the same way. */
    tokenizer: () => tokenizerJsonOf(nativeFile("wren"), at("wren")),
    at,
  };
}

export function memberAt({ url }: ModelServer, options: Omit<ServerMemberOptions, "url"> = {}): ServerMemberOptions {
  return { url, ...options };
}
