/** Reading a model's hyperparameters (`llama.block_count`, …) with errors that name the key, the value and the bound. */
import type { GgufMetadata } from "../gguf/metadata.js";
import { Cure, invalidModel } from "./model-error.js";

export class Parameters {
  constructor(
    readonly metadata: GgufMetadata,
    readonly architecture: string,
  ) {}

  key(name: string): string {
    return `${this.architecture}.${name}`;
  }

  uint32(name: string): number | undefined {
    return this.metadata.uint32(this.key(name));
  }

  bool(name: string): boolean | undefined {
    return this.metadata.bool(this.key(name));
  }

  float32(name: string): number | undefined {
    return this.metadata.float32(this.key(name));
  }

  perLayer(name: string, layers: number): readonly number[] | undefined {
    return this.metadata.perLayer(this.key(name), layers);
  }

  /** A number that must be there, within bounds. */
  required(name: string, lowest: number, highest: number): number {
    const value = this.uint32(name);
    if (value === undefined) this.refuse(name, undefined, `a number from ${lowest} to ${highest}`);
    return this.between(name, value, lowest, highest);
  }

  /** A number that may be absent (llama.cpp then has a default, or says itself that it is missing). */
  optional(name: string, lowest: number, highest = 0xffff_ffff): number | undefined {
    const value = this.uint32(name);
    return value === undefined ? undefined : this.between(name, value, lowest, highest);
  }

  between(name: string, value: number, lowest: number, highest: number): number {
    if (value >= lowest && value <= highest) return value;
    this.refuse(name, value, highest === 0xffff_ffff ? `${lowest} or more` : `${lowest} to ${highest}`);
  }

  /** `"llama.block_count" is 0; 1 to 512 is allowed.` */
  refuse(name: string, found: unknown, allowed: string): never {
    const key = this.key(name);
    const state = found === undefined ? "is missing" : `is ${String(found)}`;
    const verb = found === undefined ? "needed" : "allowed";
    throw invalidModel(this.metadata.file, `"${key}" ${state}; ${allowed} is ${verb}.`, Cure.convert, {
      key,
      found,
      allowed,
    });
  }
}
