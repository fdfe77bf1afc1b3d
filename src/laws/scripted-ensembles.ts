/** Sets of scripted members over vocabularies of every kind, on which the laws of methods are checked. */
import type { MethodChoice, MethodLaws } from "../during/define-method.js";
import type { Voice } from "../during/method.js";
import { type Demands, fits } from "../during/needs.js";
import { LlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";
import type { LawMembers } from "./law.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  sentencePieceVocabulary,
  twinVocabulary,
} from "./scripted-members.js";

const bytes = byteVocabulary();
const sp = sentencePieceVocabulary();
const otherSp = sentencePieceVocabulary(1);
const bpe = bytePairVocabulary();
const otherBpe = bytePairVocabulary(1);
const twins = twinVocabulary();

/** Of unlike vocabularies first. */
export const scriptedEnsembles: readonly LawMembers[] = [
  setOf("SentencePiece and BPE", () => [randomMember(1, sp), randomMember(2, bpe)]),
  setOf("BPE and BPE", () => [randomMember(3, bpe), randomMember(4, otherBpe)]),
  setOf("SentencePiece and SentencePiece", () => [randomMember(5, sp), randomMember(6, otherSp)]),
  setOf(
    "BPE, SentencePiece, bytes, twins",
    () => [randomMember(7, bpe), randomMember(8, sp), randomMember(9, bytes), randomMember(10, twins)],
    false,
  ),
  setOf("BPE siblings", () => [randomMember(1, bpe), randomMember(2, bpe)]),
  setOf("SentencePiece siblings", () => [randomMember(3, sp), randomMember(4, sp), randomMember(5, sp)]),
  setOf("BPE, SentencePiece, twins", () => [randomMember(7, bpe), randomMember(8, sp), randomMember(10, twins)], false),
  setOf("one of SentencePiece", () => [randomMember(5, sp)]),
];

/** Of sets, in their order, those that the method works with under these options. */
export async function fitting(
  { method, options }: MethodChoice,
  laws: Pick<MethodLaws<never>, "exempt">,
  sets: readonly LawMembers[],
): Promise<LawMembers[]> {
  const count = method.roles?.(options)?.names.length ?? method.members;
  const demands = { count, needs: (place: Parameters<typeof method.needs>[1]) => method.needs(options, place) };
  const found: LawMembers[] = [];
  for (const set of sets) {
    if (set.hasByteLetters === false && laws.exempt?.["bare-bytes"] !== undefined) continue;
    const members = await set.make();
    if ((members.length > 1 || count === 1) && takes(demands, voicesOf(members))) found.push(set);
    await Promise.all(members.map((member) => member.dispose()));
  }
  return found;
}

/** A method may refuse vocabularies as it is asked what it needs. */
function takes(demands: Demands, voices: readonly Voice[]): boolean {
  try {
    return fits(demands, voices);
  } catch (error) {
    if (error instanceof LlamafuseError && error.code === "incompatible-members") return false;
    throw error;
  }
}

function voicesOf(members: readonly Member[]): Voice[] {
  return members.map((member) => ({ member, weight: 1 / members.length }));
}

function setOf(name: string, make: () => Member[], hasByteLetters = true): LawMembers {
  return { name, make, copy: () => make()[0], hasByteLetters };
}
