/**
 * The fused loop: members advance, the method fuses, the sampler chooses, the chosen bytes go back to all.
 *
 * Everything that a user sees (text without cut characters, stop strings, the trace) happens beside the hot path, on the
 * chosen bytes alone.
 */
import type { Combiner } from "../during/combine.js";
import type { FusedDistribution, MethodContext, MethodRun, Voice } from "../during/method.js";
import type { ChosenMethod } from "../during/methods.js";
import { LlamafuseError, toLlamafuseError } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { AnswerText } from "./answer-text.js";
import type { Form } from "./format/form.js";
import type { FormReader } from "./format/form-reader.js";
import { formed } from "./format/formed.js";
import { lastPieces, logNormaliserOf } from "./fused-logits.js";
import { Healing, healed } from "./healing.js";
import { beginBehind, type DroppedMember, failedVoice, type OnMemberFailure, without } from "./member-failure.js";
import { renderPrompts } from "./prompt.js";
import type { CheckedRequest } from "./request.js";
import { costOf, type FinishReason, type GenerateResult, type StreamChunk } from "./result.js";
import { Sampler } from "./sampler.js";
import { advanceAll, beginAll, eachMember, type Schedule } from "./schedule.js";
import { type SpeculationRecord, Speculator } from "./speculation.js";
import { StepClock } from "./step-clock.js";
import { Prologue } from "./thinking/prologue.js";
import { callsOf } from "./tools/tools.js";
import { type ChosenPiece, chosenPiece, describeStep, type TraceStep } from "./trace.js";

/** How the members work and what sums their distributions. */
export interface Machinery {
  schedule: Schedule;
  combiner: Combiner;
  /** Default: "fail". */
  onMemberFailure?: OnMemberFailure;
  /** See MethodContext.memory. */
  memory?: Map<string, unknown>;
  /** What speculation has measured on other answers. */
  speculation?: SpeculationRecord;
  /** Reads the forms of answers. Absent where no answer has one. */
  forms?: FormReader;
}

/** Answer a request that has been checked; `signal` ends it. */
export async function* streamAnswer(
  voices: readonly Voice[],
  method: ChosenMethod,
  { schedule, combiner, onMemberFailure, speculation, forms }: Machinery,
  { prompt, options }: CheckedRequest,
  signal: AbortSignal,
): AsyncGenerator<StreamChunk, GenerateResult, void> {
  const { maxTokens, traceTop, logProbs, reusePrompt } = options;
  const clock = new StepClock(schedule);
  const sampler = new Sampler(options);
  const calls = callsOf(options);
  const asked = calls === undefined ? options.format : { calls };
  const formOption = asked === undefined ? [] : [calls === undefined ? "format" : "tools"];
  const rendered = await renderPrompts(prompt, voices, options, signal);
  const stops = [...options.stop, ...rendered.flatMap(({ stop }) => stop)];
  const answer = new AnswerText(stops, calls === undefined ? undefined : { isFree: options.toolChoice === "auto" });
  const trace: TraceStep[] = [];
  const pieces: ChosenPiece[] | undefined = logProbs ? [] : undefined;
  const memberTokens = Object.fromEntries(voices.map(({ member }) => [member.name, 0]));
  const memberPromptTokens = { ...memberTokens };
  /** What each member begins the answer behind: the prompt, later with its thoughts. */
  const promptOf = new Map<Member, MemberPrompt>();
  for (const [index, { prompt }] of rendered.entries()) promptOf.set(voices[index].member, prompt);
  let prologue: Prologue | undefined;
  let steps = 0;
  /** Of the tokens that were asked for. */
  let used = 0;
  let logNormaliser = 0;
  let healing = new Healing(new Uint8Array());
  let finishReason: FinishReason | undefined;
  let speaking = voices;
  let speculator: Speculator | undefined;
  let run: MethodRun | undefined;
  let form: Form | undefined;
  let hasForm = false;
  /** What was chosen so far, where it may be needed again. */
  const chosen: Uint8Array[] = [];
  const dropped: DroppedMember[] = [];
  /** Leave a member out whose failure this is, where the others go on; whether they do. */
  const drop = (error: unknown): boolean => {
    const lost = onMemberFailure === "continue" && !signal.aborted ? failedVoice(error, speaking) : undefined;
    if (lost === undefined || speaking.length === 1) return false;
    const { code, message } = error as LlamafuseError;
    dropped.push({ name: lost.member.name, step: steps, code, message });
    speaking = without(lost, speaking);
    return true;
  };

  const context: MethodContext = {
    voices,
    // The best that has the form may be any entry.
    greedy: sampler.greedy && formOption.length === 0,
    temperature: sampler.options.temperature,
    altering: [...sampler.altering, ...formOption],
    shaping: [...sampler.shaping, ...formOption],
    wantsNormaliser: sampler.lookBack > 0,
    get ahead() {
      return healing.left;
    },
    traceTop,
    combiner,
    maxSteps: maxTokens,
    signal,
    random: () => sampler.random(),
    draw: (distribution) => sampler.draw(distribution),
    async advance(advancing) {
      const members = advancing.map(({ member }) => member);
      await clock.advance(advancing, () => advanceAll(members, schedule));
      for (const member of members) memberTokens[member.name] += member.output.decodedTokens;
    },
    async lookAhead(looking, look) {
      const members = looking.map(({ member }) => member);
      const found = await clock.decode(() => eachMember(members, schedule, (member) => look(member, signal)));
      for (const [index, { name }] of members.entries()) memberTokens[name] += found[index].decodedTokens;
      return found;
    },
  };

  const begin = async (reuse: boolean) => {
    let prompts: readonly MemberPrompt[] = speaking.map(({ member }) => ({
      ...promptOf.get(member)!,
      reuse,
      alone: options.exact,
    }));
    const saysAhead = method.saysAhead(speaking);
    if (options.healing) {
      const { ahead, prompts: shorter } = await healed(speaking, prompts);
      healing = new Healing(ahead);
      // A method of bytes sums over all tokens that agree; others have their members leave out those that do not.
      prompts = saysAhead || method.saysBytes ? shorter : shorter.map((prompt) => ({ ...prompt, ahead }));
    }
    run = method.create({ ...context, voices: speaking });
    // From here on the run has it.
    if (saysAhead) healing = new Healing(new Uint8Array());
    await run.prepare();
    const members = speaking.map(({ member }) => member);
    const tokens = await beginAll(members, prompts, schedule, signal);
    // Begun again behind thoughts, a member has read the same prompt.
    for (const [index, { name }] of members.entries()) memberPromptTokens[name] ||= tokens[index];
    if (sampler.lookBack > 0) sampler.remember(await lastPieces(speaking[0].member, sampler.lookBack));
  };
  /** Go on from the text so far without the member whose failure this is. Error: this one, where that cannot be. */
  const continueWithout = async (error: unknown): Promise<void> => {
    if (!drop(error)) throw error;
    speculator = undefined;
    // The others begin behind the whole prompt.
    healing = new Healing(new Uint8Array());
    try {
      run = method.create({ ...context, voices: speaking, maxSteps: maxTokens - used });
    } catch {
      // The method does not do without it.
      throw error;
    }
    try {
      await run.prepare();
      const members = speaking.map(({ member }) => member);
      const text = Buffer.concat(chosen);
      await eachMember(members, schedule, async (member) => {
        const { promptTokens, decodedTokens } = await beginBehind(member, promptOf.get(member)!, text, signal);
        if (steps === 0) memberPromptTokens[member.name] ||= promptTokens;
        else memberTokens[member.name] += decodedTokens;
      });
    } catch (next) {
      await continueWithout(next);
    }
  };
  const accept = async (entry: number) => {
    try {
      await run!.accept(entry);
    } catch (error) {
      await continueWithout(error);
    }
  };

  try {
    if (maxTokens > 0) {
      signal.throwIfAborted();
      if (asked !== undefined) form = await forms!.open(asked, signal);
      await begin(reusePrompt).catch(continueWithout);
      const thinking = speaking;
      let failure: unknown;
      prologue = new Prologue({
        voices: thinking,
        rendered: speaking.map((voice) => rendered[voices.findIndex(({ member }) => member === voice.member)]),
        schedule,
        maxTokens,
        sampling: options,
        seed: sampler.seed,
        signal,
        survives: (error) => {
          if (!drop(error)) return false;
          failure ??= error;
          return true;
        },
        breathe: () => clock.breathe(),
      });
      if (prologue.findThinkers()) {
        clock.startThinking();
        for await (const reasoning of prologue.pieces()) {
          clock.pause();
          yield { text: "", reasoning };
          clock.resume();
        }
        for (const [index, prompt] of prologue.prompts.entries()) promptOf.set(thinking[index].member, prompt);
        const ranges = new Map(prologue.ranges.map((range, index) => [thinking[index].member, range]));
        speaking = speaking.map((voice) => ({ ...voice, thought: ranges.get(voice.member) }));
        // A method that does not do without the member that failed has failed by it.
        await begin(true).catch((error) => continueWithout(isRefusal(error) ? (failure ?? error) : error));
        clock.stopThinking();
      }
      const { text } = promptOf.get(speaking[0].member)!;
      // A member that keeps branches cannot look ahead, and members that write spans do nothing else.
      const guesses = method.level === "token" && !method.branches(speaking);
      if (options.speculation === "auto" && healing.isDone && guesses)
        speculator = new Speculator({ voices: speaking, text, lookAhead: context.lookAhead!, record: speculation });
      clock.startSteps();
      while (finishReason === undefined && used < maxTokens) {
        signal.throwIfAborted();
        await form?.ready();
        if (form?.isOver) {
          hasForm = true;
          finishReason = "stop";
          break;
        }
        clock.startStep();
        let said: FusedDistribution | undefined;
        /** What a form left of the distribution; its logits stay. */
        let logShare = 0;
        while (said === undefined) {
          try {
            await speculator?.guess();
            said = healing.constrain(await run!.step());
            if (form !== undefined)
              ({ distribution: said, logShare } = await formed(said, {
                form,
                run: run!,
                speaking,
                name: method.info.name,
              }));
          } catch (error) {
            await continueWithout(error);
          }
        }
        if (sampler.lookBack > 0) logNormaliser = logNormaliserOf(said, speaking, logNormaliser);
        const entry = sampler.choose(said, logNormaliser + logShare);
        clock.endStep();
        const distribution = healing.beyond(said);
        const ends = entry === distribution.endEntry;
        const bytes = distribution.bytesOf(entry);
        if (!healing.isDone) {
          healing.take(said.bytesOf(entry));
          // The prompt's end, said again, is no step of the answer.
          if (bytes.length === 0) {
            await accept(entry);
            continue;
          }
        }
        speculator?.took(bytes, clock.lastMs);
        if (!ends) form?.take(bytes);
        const text = ends ? "" : answer.push(bytes);
        const toolCalls = answer.takeCalls();
        if (onMemberFailure === "continue") chosen.push(Uint8Array.from(bytes));
        hasForm = ends;
        if (ends || answer.stopped) finishReason = "stop";
        let step: TraceStep | undefined;
        if (traceTop > 0) {
          step = describeStep({ index: steps, voices, speaking, distribution, entry, top: traceTop, ms: clock.last });
          trace.push(step);
        }
        pieces?.push(chosenPiece(distribution, entry));
        steps++;
        used += said.tokens ?? 1;
        if (text !== "" || step !== undefined || toolCalls.length > 0) {
          clock.pause();
          yield { text, step, ...(toolCalls.length > 0 && { toolCalls }) };
          clock.resume();
        }
        if (finishReason === undefined && used < maxTokens) await accept(entry);
        await clock.breathe();
      }
      await form?.ready();
      hasForm ||= form?.isComplete === true && !answer.stopped;
    }
  } catch (error) {
    finishReason = reasonToFinish(toLlamafuseError(error, `The method "${method.info.name}"`), signal, steps);
  }
  clock.stopSteps();
  const report = run?.report?.();
  const rest = answer.finish();
  // A stop string may have held back the end of a call.
  const lastCalls = answer.takeCalls();
  if (rest !== "" || lastCalls.length > 0) yield { text: rest, ...(lastCalls.length > 0 && { toolCalls: lastCalls }) };
  const { reasoning, tokens: reasoningTokens = {} } = prologue ?? {};
  const answerTokens = memberTokens[voices[0].member.name];
  for (const [name, tokens] of Object.entries(reasoningTokens)) memberTokens[name] += tokens;
  return {
    text: answer.text,
    ...(reasoning === undefined ? {} : { reasoning }),
    finishReason: finishReason === "stop" && answer.calls.length > 0 ? "tool-calls" : (finishReason ?? "length"),
    ...(answer.calls.length > 0 && { toolCalls: [...answer.calls] }),
    ...(form !== undefined && !hasForm ? { incomplete: true } : {}),
    method: method.info.name,
    cost: costOf(
      voices.map(({ member }) => member),
      { memberPromptTokens, memberTokens },
    ),
    seed: sampler.seed,
    usage: {
      promptTokens: total(memberPromptTokens),
      memberPromptTokens,
      steps,
      ...(used === steps ? {} : { tokens: used }),
      memberTokens,
      ...(total(reasoningTokens) > 0 ? { reasoningTokens } : {}),
    },
    timings: { ...clock.timings(steps, answerTokens), ...(speculator && { speculation: speculator.report }) },
    ...(dropped.length > 0 ? { dropped } : {}),
    ...(traceTop > 0 ? { trace } : {}),
    ...(report === undefined ? {} : { report }),
    ...(pieces && { pieces }),
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof LlamafuseError && error.code === "incompatible-members";
}

/** A cancelled request and a context that fills up end the answer; everything else is the caller's to know. */
function reasonToFinish(error: LlamafuseError, signal: AbortSignal, steps: number): FinishReason {
  if (signal.aborted) return "aborted";
  if (error.code === "context-overflow" && steps > 0) return "length";
  throw error;
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
