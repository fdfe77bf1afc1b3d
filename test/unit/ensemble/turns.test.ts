/** Who is served when: one queue for all that stands over the same members. */
import { describe, expect, it } from "vitest";
import { type Turn, Turns } from "../../../src/ensemble/turns.js";
import { LlamafuseError } from "../../../src/errors.js";
import type { Member } from "../../../src/member/member.js";
import { refusal } from "../../support/refusal.js";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
const owner = {};
const gone = () => new LlamafuseError("disposed", "gone");

/** Lets everything that is ready to go on go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function isPending(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    work.then(
      () => false,
      () => false,
    ),
    settled().then(() => true),
  ]);
}

describe("turns", () => {
  it("come in the order of the requests, and side by side where no member is shared", async () => {
    const turns = new Turns();
    const order: string[] = [];
    const serve = async (name: string, members: readonly object[]) => {
      const turn = await turns.take({ owner, members });
      order.push(`${name} begins`);
      await settled();
      order.push(`${name} ends`);
      turn.end();
    };
    await Promise.all([serve("ab", [a, b]), serve("c", [c]), serve("bc", [b, c]), serve("a", [a])]);
    expect(order).toEqual(["ab begins", "c begins", "ab ends", "a begins", "c ends", "bc begins", "a ends", "bc ends"]);
  });

  it("give as many requests a slot as there are, and all to one that is to be alone", async () => {
    const turns = new Turns();
    const member = { slots: [{}, {}] as unknown as readonly Member[] };
    const first = await turns.take({ owner, members: [member] });
    const second = await turns.take({ owner, members: [member] });
    const alone = turns.take({ owner, members: [member], alone: true });
    const last = turns.take({ owner, members: [member] });
    expect([first.slots.get(member), second.slots.get(member)]).toEqual([0, 1]);
    second.end();
    expect([await isPending(alone), await isPending(last)]).toEqual([true, true]);
    first.end();
    expect((await alone).slots.get(member)).toBe(0);
    expect(await isPending(last)).toBe(true);
    (await alone).end();
    (await last).end();
  });

  it("let nobody overtake a request that waits for the same member", async () => {
    const turns = new Turns();
    const first = await turns.take({ owner, members: [a] });
    const both = turns.take({ owner, members: [a, b] });
    const third = turns.take({ owner, members: [b] });
    expect(await isPending(third)).toBe(true);
    first.end();
    (await both).end();
    (await third).end();
  });

  it("cancel a waiting request at once, and let the others move up", async () => {
    const turns = new Turns();
    const first = await turns.take({ owner, members: [a] });
    const stop = new AbortController();
    const second = turns.take({ owner, members: [a], signal: stop.signal });
    const third = turns.take({ owner, members: [a] });
    stop.abort("enough");
    expect((await second).signal.reason).toBe("enough");
    expect(await isPending(third)).toBe(true);
    first.end();
    (await third).end();
    const late = await turns.take({ owner, members: [a], signal: AbortSignal.abort() });
    expect(late.signal.aborted).toBe(true);
    late.end();
    (await turns.take({ owner, members: [a] })).end();
  });

  it("pass a signal on to a request that runs, and forget it when that ends", async () => {
    const turns = new Turns();
    const stop = new AbortController();
    const running = await turns.take({ owner, members: [a], signal: stop.signal });
    const ended = await turns.take({ owner, members: [b], signal: stop.signal });
    ended.end();
    stop.abort();
    expect([running.signal.aborted, ended.signal.aborted]).toEqual([true, false]);
  });

  it("tell a request that another one waits for it, once", async () => {
    const turns = new Turns();
    const told: string[] = [];
    const listen = (turn: Turn, name: string) => turn.whenWanted(() => told.push(name));
    const first = await turns.take({ owner, members: [a, b] });
    listen(first, "first");
    const other = await turns.take({ owner, members: [c] });
    listen(other, "other");
    const second = turns.take({ owner, members: [a] });
    const third = turns.take({ owner, members: [a] });
    expect(told).toEqual(["first"]);
    first.end();
    listen(await second, "second");
    expect(told).toEqual(["first", "second"]);
    (await second).end();
    listen(await third, "third");
    expect(told).toEqual(["first", "second"]);
  });

  it("end for one owner, or for all and for good", async () => {
    const turns = new Turns();
    const [mine, theirs] = [{}, {}];
    const running = await turns.take({ owner: mine, members: [a] });
    const waiting = turns.take({ owner: mine, members: [a] });
    const other = turns.take({ owner: theirs, members: [a] });
    turns.stop(gone(), mine);
    expect(running.signal.aborted).toBe(true);
    expect((await refusal(() => waiting)).code).toBe("disposed");
    running.end();
    const served = await other;
    turns.stop(gone());
    expect(served.signal.aborted).toBe(true);
    expect((await refusal(() => turns.take({ owner: theirs, members: [b] }))).code).toBe("disposed");
  });

  it("wait on one signal a hundred times without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    const turns = new Turns();
    const stop = new AbortController();
    const first = await turns.take({ owner, members: [a], signal: stop.signal });
    const others = Array.from({ length: 100 }, () => turns.take({ owner, members: [a], signal: stop.signal }));
    stop.abort();
    expect((await Promise.all(others)).every(({ signal }) => signal.aborted)).toBe(true);
    first.end();
    await settled();
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});
