/**
 * One compressor that can be had in several ways: as a package, else as the system's command.
 *
 * @module
 */
import { type Availability, type Compressor, type CompressorKind, peakMemoryOf } from './compressor.ts';

interface Choice {
  readonly way: Compressor;
  readonly version: string;
}

/** Runs the first way that is here. Its version says which it is: `lzma-native 8.0.6`, `command 5.4.1`. */
export class FirstAvailable implements Compressor {
  readonly name: string;
  readonly label: string;
  /** The best first. */
  readonly ways: readonly Compressor[];
  #choice: Promise<Choice | { readonly missing: string }> | undefined;
  #used: Compressor;

  constructor(...ways: readonly [Compressor, ...Compressor[]]) {
    this.ways = ways;
    this.#used = ways[0];
    this.name = ways[0].name;
    this.label = ways[0].label;
  }

  /** Of the way that is used, once it is known; of the best before. */
  get kind(): CompressorKind {
    return this.#used.kind;
  }

  async available(): Promise<Availability> {
    const choice = await this.#choose();
    if ('missing' in choice) return choice;
    return { version: choice.way.kind === 'command' ? `command ${choice.version}` : choice.version };
  }

  async compress(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#chosen()).compress(bytes);
  }

  async decompress(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#chosen()).decompress(bytes);
  }

  peakMemory(): number | undefined {
    return peakMemoryOf(this.#used);
  }

  /** @throws Error where no way is here */
  async #chosen(): Promise<Compressor> {
    const choice = await this.#choose();
    if ('missing' in choice) throw new Error(`${this.label}: ${choice.missing}`);
    return choice.way;
  }

  #choose(): Promise<Choice | { readonly missing: string }> {
    return (this.#choice ??= this.#look());
  }

  async #look(): Promise<Choice | { readonly missing: string }> {
    const reasons: string[] = [];
    for (const way of this.ways) {
      const found = await way.available();
      if ('version' in found) {
        this.#used = way;
        return { way, version: found.version };
      }
      reasons.push(found.missing);
    }
    return { missing: reasons.join(', ') };
  }
}
