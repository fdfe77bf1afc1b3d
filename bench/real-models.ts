/** The real models of `bench real` and test/real: where they are, and answers of them that a stopped run does not lose. */
import path from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { type Answer, AnswerCache, type AnswerRequest, type Respondent } from "../src/answers/answer-cache.js";
import { type Lane, openLanes } from "../src/answers/lane.js";
import { Ledger } from "../src/answers/ledger.js";
import { isAnswer } from "../src/answers/saved-answer.js";
import { contentHash, keyOf } from "../src/content-identity.js";
import { LlamafuseError } from "../src/errors.js";
import type { MemberOptions } from "../src/member/member-options.js";
import { createEnsemble, type SystemOptions } from "../src/systems.js";
import { type Missing, missingAmong } from "./choose-sets.js";

/** Names the folder with the models' files. */
export const REAL_MODELS_VARIABLE = "LLAMAFUSE_REAL_MODELS";
export const REAL_MEMBERS = ["smollm2", "gemma3"] as const;
export const REAL_EMBEDDER = "minilm";

const CONTEXT = 2048;

/** Undefined where no folder is named. */
export function realModel(name: string): string | undefined {
  const folder = process.env[REAL_MODELS_VARIABLE];
  return folder ? path.resolve(folder, `${name}.gguf`) : undefined;
}

export function missingReal(names: readonly string[], more: readonly string[] = []): Missing | undefined {
  const cure = `Name the folder that scripts/get-real-models.sh filled in ${REAL_MODELS_VARIABLE}`;
  const files = names.map((name) => realModel(name) ?? path.join(`$${REAL_MODELS_VARIABLE}`, `${name}.gguf`));
  return missingAmong([...files, ...more], () => cure);
}

/** Who is asked: a member alone, or all under a method. */
export interface RealContender {
  name: string;
  respondent: Respondent;
}

export function realContenders(methods: readonly SystemOptions[]): RealContender[] {
  const members = REAL_MEMBERS.map((_, index) => index);
  return [
    ...REAL_MEMBERS.map((name, index) => ({
      name: `${name} alone`,
      respondent: { method: { name: "single" }, members: [index] },
    })),
    ...methods.map((method) => ({ name: method.name, respondent: { method, members } })),
  ];
}

/** What a contender's answer is, why there is none, or undefined where time ran out before it was asked. */
export type Outcome = { answer: Answer } | { refused: string } | undefined;

/** Answers of the real models, each kept in a file; the models are loaded for the first that is not there. */
export class RealAnswers {
  #lane: Promise<Lane> | undefined;

  private constructor(
    private readonly members: readonly MemberOptions[],
    private readonly ledger: Ledger<Answer>,
    private readonly cache: AnswerCache,
    private readonly deadline: number,
  ) {}

  /** `file`: undefined asks everything anew. `seconds`: after so many nothing new is asked; 0 reads what is known. */
  static async open(file: string | undefined, seconds: number): Promise<RealAnswers> {
    // One thread each, side by side: the members' speeds do not depend on who else uses the cores' other threads.
    const members = REAL_MEMBERS.map((name) => ({ name, model: realModel(name)!, contextSize: CONTEXT, threads: 1 }));
    const cached = await Promise.all(
      members.map(async ({ name, model, contextSize }) => ({
        name,
        identity: keyOf({ sha256: await contentHash([model]), contextSize }),
      })),
    );
    const ledger = new Ledger<Answer>(file, isAnswer);
    const ask = async (respondent: Respondent, request: AnswerRequest, seed: number) =>
      (await answers.#openLane()).ask(respondent, request, seed);
    const cache = new AnswerCache(ledger, cached, ask, packageJson.version);
    const answers: RealAnswers = new RealAnswers(members, ledger, cache, performance.now() + 1000 * seconds);
    return answers;
  }

  has({ respondent }: RealContender, request: AnswerRequest): boolean {
    return this.cache.has(respondent, request);
  }

  async outcome({ respondent }: RealContender, request: AnswerRequest): Promise<Outcome> {
    if (!this.cache.has(respondent, request) && performance.now() >= this.deadline) return undefined;
    try {
      return { answer: await this.cache.answer(respondent, request) };
    } catch (error) {
      if (!(error instanceof LlamafuseError)) throw error;
      return { refused: error.message };
    }
  }

  async close(): Promise<void> {
    await (await this.#lane)?.dispose();
    this.ledger.close();
  }

  #openLane(): Promise<Lane> {
    this.#lane ??= openLanes(1, this.members, { gpu: false }, ({ method, ...rest }) =>
      createEnsemble({ ...rest, method: method as SystemOptions }),
    ).then(([lane]) => lane);
    return this.#lane;
  }
}
