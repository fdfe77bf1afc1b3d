/**
 * Which members make the best team (LLM-TOPLA's pruning, arXiv 2410.03953): the one of a given size with the largest
 *
 *     w · focal diversity + (1 − w) · accuracy of its majority vote
 *
 * All teams are looked at for up to 15 members, else a genetic algorithm searches them. The paper's code has no pruning; sizes
 * of the search are ours.
 */
import { focalDiversity } from "../../learning/diversity.js";
import { RandomGenerator } from "../../random.js";
import { leaderOf, tallyOf } from "./votes.js";

/** What members answered to past questions, as keys, and whether that was right. */
export interface TeamRecord {
  answers: readonly (string | undefined)[];
  right: readonly boolean[];
}

export interface TeamOptions {
  size: number;
  /** w, from 0 to 1. */
  diversityWeight: number;
  seed?: number;
}

const MOST_ENUMERATED = 15;
const POPULATION = 60;
const GENERATIONS = 40;
const TOURNAMENT = 3;
const CROSSOVER = 0.8;

/** Indexes of the members of the best team, rising; the first of equals. */
export function bestTeam(records: readonly TeamRecord[], { size, diversityWeight, seed = 1 }: TeamOptions): number[] {
  const members = records[0].answers.length;
  const fitness = (team: readonly number[]) => fitnessOf(records, team, diversityWeight);
  if (size >= members) return Array.from({ length: members }, (_, member) => member);
  return members <= MOST_ENUMERATED
    ? first(teamsOf(members, size), fitness)
    : evolve(members, size, fitness, new RandomGenerator(seed));
}

export function fitnessOf(records: readonly TeamRecord[], team: readonly number[], diversityWeight: number): number {
  const wrong = team.map((member) => records.map(({ right }) => !right[member]));
  return diversityWeight * focalDiversity(wrong) + (1 - diversityWeight) * voteAccuracy(records, team);
}

function voteAccuracy(records: readonly TeamRecord[], team: readonly number[]): number {
  const isRight = records.filter(({ answers, right }) => {
    const leader = leaderOf(tallyOf(team.map((member) => answers[member])));
    return leader !== undefined && right[team[leader.first]];
  });
  return isRight.length / records.length;
}

function* teamsOf(members: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let member = from; member <= members - size; member++) {
    for (const rest of teamsOf(members, size - 1, member + 1)) yield [member, ...rest];
  }
}

function first(teams: Iterable<number[]>, fitness: (team: readonly number[]) => number): number[] {
  let best: number[] = [];
  let most = Number.NEGATIVE_INFINITY;
  for (const team of teams) {
    const value = fitness(team);
    if (value > most) [best, most] = [team, value];
  }
  return best;
}

/** Tournaments, crossover of members, one exchange now and then; the best two stay. Teams always have the size. */
function evolve(
  members: number,
  size: number,
  fitness: (team: readonly number[]) => number,
  random: RandomGenerator,
): number[] {
  const draw = (count: number) => Math.floor(random.next() * count);
  const repaired = (given: Iterable<number>): number[] => {
    const team = new Set(given);
    while (team.size > size) team.delete(Array.from(team)[draw(team.size)]);
    while (team.size < size) team.add(draw(members));
    return Array.from(team).sort((a, b) => a - b);
  };
  const known = new Map<string, number>();
  const worthOf = (team: readonly number[]) => {
    const key = team.join();
    if (!known.has(key)) known.set(key, fitness(team));
    return known.get(key)!;
  };
  const ranked = (teams: number[][]) => teams.toSorted((a, b) => worthOf(b) - worthOf(a));
  let teams = ranked(Array.from({ length: POPULATION }, () => repaired([])));
  const parent = () => teams[Math.min(...Array.from({ length: TOURNAMENT }, () => draw(POPULATION)))];
  for (let generation = 0; generation < GENERATIONS; generation++) {
    const next = teams.slice(0, 2);
    while (next.length < POPULATION) {
      const mother = parent();
      const child = new Set(random.next() < CROSSOVER ? [...mother, ...parent()] : mother);
      if (random.next() < 1 / size) child.delete(Array.from(child)[draw(child.size)]);
      next.push(repaired(child));
    }
    teams = ranked(next);
  }
  return teams[0];
}
