/**
 * The trie over the bytes of a vocabulary's text tokens. A node stands for a byte string that tokens begin with; all tokens
 * below it stand side by side in the order of their bytes (byte-order.ts), so a node is a range of that order, and what a
 * model gives all continuations of a string is a sum over a range.
 *
 * Node 0 is the root, the empty string. Nodes are numbered by breadth, so that the children of a node follow one another.
 */
import { ByteOrder } from "./byte-order.js";
import type { Vocabulary } from "./vocabulary.js";

/** The node of the empty string. */
export const ROOT = 0;

const tries = new WeakMap<Vocabulary, ByteTrie>();

export class ByteTrie {
  /** Place → token id. */
  readonly order: Int32Array;
  /** Node → its first place. */
  readonly low: Int32Array;
  /** Node → the place behind the tokens that are its string and nothing more. */
  readonly ownEnd: Int32Array;
  /** Node → the place behind its last one. */
  readonly high: Int32Array;
  /** Node → the byte that leads to it. */
  readonly byte: Uint8Array;
  /** Node → its first child; the children of node n end where those of n + 1 begin. One entry more than nodes. */
  readonly firstChild: Int32Array;
  /** Node → the node above it; the root's is −1. */
  readonly parent: Int32Array;

  constructor(readonly vocabulary: Vocabulary) {
    this.order = ByteOrder.of(vocabulary).ordered;
    const { order } = this;
    const { bytes, offsets } = vocabulary.data;
    const lengthOf = (place: number) => offsets[order[place] + 1] - offsets[order[place]];
    const most = order.reduce((sum, id) => sum + offsets[id + 1] - offsets[id], 1);
    const low = new Int32Array(most);
    const high = new Int32Array(most);
    const ownEnd = new Int32Array(most);
    const byte = new Uint8Array(most);
    const parent = new Int32Array(most).fill(-1);
    const firstChild = new Int32Array(most + 1);
    high[ROOT] = order.length;
    let nodes = 1;
    for (let node = 0, depth = 0, levelEnd = 1; node < nodes; node++) {
      if (node === levelEnd) {
        depth++;
        levelEnd = nodes;
      }
      let at = low[node];
      while (at < high[node] && lengthOf(at) === depth) at++;
      ownEnd[node] = at;
      firstChild[node] = nodes;
      while (at < high[node]) {
        const next = bytes[offsets[order[at]] + depth];
        low[nodes] = at;
        byte[nodes] = next;
        parent[nodes] = node;
        while (at < high[node] && bytes[offsets[order[at]] + depth] === next) at++;
        high[nodes++] = at;
      }
    }
    firstChild[nodes] = nodes;
    this.low = low.slice(0, nodes);
    this.high = high.slice(0, nodes);
    this.ownEnd = ownEnd.slice(0, nodes);
    this.byte = byte.slice(0, nodes);
    this.parent = parent.slice(0, nodes);
    this.firstChild = firstChild.slice(0, nodes + 1);
  }

  /** One for each vocabulary, made when it is first wanted. */
  static of(vocabulary: Vocabulary): ByteTrie {
    let trie = tries.get(vocabulary);
    if (trie === undefined) {
      trie = new ByteTrie(vocabulary);
      tries.set(vocabulary, trie);
    }
    return trie;
  }

  /** The node of the string with one byte more; −1 where no token begins so. */
  child(node: number, byte: number): number {
    let from = this.firstChild[node];
    let to = this.firstChild[node + 1];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.byte[middle] < byte) from = middle + 1;
      else to = middle;
    }
    return from < this.firstChild[node + 1] && this.byte[from] === byte ? from : -1;
  }

  /** The node's byte string. */
  stringOf(node: number): Uint8Array {
    const string: number[] = [];
    for (let at = node; at !== ROOT; at = this.parent[at]) string.push(this.byte[at]);
    return Uint8Array.from(string.reverse());
  }

  /** The node of this string, −1 where no token begins so. */
  find(string: Uint8Array): number {
    let node = ROOT;
    for (let at = 0; at < string.length && node >= 0; at++) node = this.child(node, string[at]);
    return node;
  }
}
