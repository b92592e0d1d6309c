/**
 * The WebAssembly kernel of the embedding tables: src/kernel/rows. In plain TypeScript its loops took a third of the training
 * time.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** Floats that the loops handle at a time: row widths must be multiples of it. */
export const KERNEL_WIDTH = 16;

/** What is used of the global of that name; neither ES2023 nor @types/node 20 declare it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** What src/kernel/rows exports; addresses are bytes in `memory`. */
export interface RowKernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  gather(numbers: number, end: number, sumBytes: number, rows: number, rowBytes: number, out: number): void;
  addRows(
    numbers: number,
    end: number,
    sumBytes: number,
    gradient: number,
    rowBytes: number,
    sums: number,
  ): void;
  squares(from: number, end: number): number;
  update(
    numbers: number,
    end: number,
    gradient: number,
    rowBytes: number,
    weights: number,
    first: number,
    second: number,
    rate: number,
    scale: number,
    beta1: number,
    keep1: number,
    beta2: number,
    keep2: number,
    epsilon: number,
  ): void;
}

const PAGE = 65_536;

let compiled: object | undefined;

/** An instance with at least so many bytes of memory, all zero. */
export function createRowKernel(bytes: number): RowKernel {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../dist/kernel/rows.wasm', import.meta.url)));
  const instance: { readonly exports: unknown } = new WebAssembly.Instance(compiled);
  const kernel = instance.exports as RowKernel;
  kernel.memory.grow(Math.ceil(bytes / PAGE));
  return kernel;
}
