/**
 * Random graphs of the audit's operators, grown step by step as long as the audit agrees.
 *
 * @module
 */
import { LmzError } from '../../../src/errors.ts';
import type { Proof } from '../../../src/model/audit/audit.ts';
import { fixedSize } from '../../../src/model/audit/dim.ts';
import { GraphBuilder } from '../../../src/model/onnx/builder.ts';
import type { ElementArray, ElementName } from '../../../src/model/onnx/elements.ts';
import { type Given, prove, withOpset } from './harness.ts';
import { type Dense, isFloat, type Value } from './reference.ts';

/** A small reproducible generator. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  save(): number {
    return this.#state;
  }
  restore(state: number): void {
    this.#state = state | 0;
  }
  /** 0 .. count - 1 */
  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
    return Math.floor(((this.#state >>> 0) / 2 ** 32) * count);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  /** As {@link between}, for any integers. */
  betweenBig(low: bigint, high: bigint): bigint {
    const kind = this.below(5);
    if (kind < 2) return kind === 0 ? low : high;
    const wide = (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
    // Half of the time close to zero, as far as the range allows.
    const span =
      kind === 2 ? high - low + 1n : 1n << BigInt(1 + this.below((high - low + 1n).toString(2).length));
    const value = kind === 2 ? low + (wide % span) : (wide % span) - span / 2n;
    return value < low ? low : value > high ? high : value;
  }
  /** Often an end of the range. */
  between(low: number, high: number): number {
    const kind = this.below(5);
    return kind === 0 ? low : kind === 1 ? high : low + this.below(high - low + 1);
  }
}

/** A value that steps may read. */
interface Item {
  name: string;
  type: ElementName;
  /** as text, so that shapes compare */
  shape: string;
  width: number;
}

type Step = (graph: GraphBuilder) => void;

const FLOATS: ElementName[] = ['float32'];
const WORDS: ElementName[] = ['float32', 'int32', 'int64'];
const INTEGERS: ElementName[] = ['int32', 'int64', 'uint8', 'int8'];

/** What onnxruntime implements of each operator (not every type of the specification). */
const BINARY: [string, ElementName[]][] = [
  ['Add', WORDS],
  ['Sub', WORDS],
  ['Mul', WORDS],
  ['Div', ['int32', 'int64']],
  ['Mod', INTEGERS],
  ['Min', WORDS],
  ['Max', WORDS],
  ['BitwiseAnd', INTEGERS],
  ['BitwiseOr', INTEGERS],
  ['BitwiseXor', INTEGERS],
  ['Equal', WORDS],
  ['Less', WORDS],
  ['GreaterOrEqual', WORDS],
];
const UNARY: [string, ElementName[]][] = [
  ['Neg', WORDS],
  ['Abs', [...WORDS, 'int8', 'uint8']],
  ['Sign', WORDS],
  ['Relu', FLOATS],
  ['Floor', FLOATS],
  ['Ceil', FLOATS],
  ['Round', FLOATS],
  ['BitwiseNot', INTEGERS],
];
const CODES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;

export function typed(type: ElementName, values: readonly Value[]): ElementArray {
  if (type === 'float32') return Float32Array.from(values, Number);
  if (type === 'int64') return BigInt64Array.from(values, BigInt);
  const numbers = values.map(Number);
  if (type === 'int32') return Int32Array.from(numbers);
  return type === 'uint8' ? Uint8Array.from(numbers) : Int8Array.from(numbers);
}

/** Some numbers that a type holds: small, large, fractions, powers of two. */
function randomValue(random: Random, type: ElementName): number {
  const small = random.below(19) - 9;
  if (type === 'uint8') return random.below(256);
  if (type === 'int8') return random.between(-128, 127);
  switch (random.below(4)) {
    case 0:
      return (random.below(2) * 2 - 1) * 2 ** random.below(20);
    case 1:
      return type === 'float32' ? 2 ** -random.below(12) : small;
    case 2:
      return type === 'float32' ? small * 2 ** -random.below(4) : small * 1000;
    default:
      return small;
  }
}

/** One random step over the items so far; undefined where the choice finds no input. */
function randomStep(random: Random, items: readonly Item[], name: string): Step | undefined {
  const of = (types: readonly string[]): Item | undefined => {
    const fitting = items.filter((item) => types.includes(item.type));
    return fitting.length > 0 ? random.pick(fitting) : undefined;
  };
  const constant = (graph: GraphBuilder, type: ElementName, count: number, dims: number[]): string =>
    graph.constant(
      typed(
        type,
        Array.from({ length: count }, () => randomValue(random, type)),
      ),
      dims,
      `${name}_constant`,
    );
  const node =
    (op: string, inputs: string[], attributes = {}): Step =>
    (graph) => {
      graph.node(op, inputs, attributes, name);
    };
  const withShape =
    (op: string, inputs: string[], ...vectors: number[][]): Step =>
    (graph) => {
      graph.node(op, [...inputs, ...vectors.map((vector) => graph.shape(...vector))], {}, name);
    };
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2: {
      const [op, types] = random.pick(BINARY);
      const x = of(types);
      if (!x) return undefined;
      const partner = items.filter((item) => item.type === x.type && item.shape === x.shape);
      if (random.below(2) === 0) return node(op, [x.name, random.pick(partner).name]);
      return (graph) => {
        const wide = random.below(2) === 0 && x.width > 0;
        graph.node(
          op,
          [x.name, constant(graph, x.type, wide ? x.width : 1, wide ? [x.width] : [])],
          {},
          name,
        );
      };
    }
    case 3: {
      const [op, types] = random.pick(UNARY);
      const x = of(types);
      return x && node(op, [x.name]);
    }
    case 4: {
      const x = of(['float32', 'int32', 'int64', 'uint8', 'int8', 'bool']);
      return (
        x &&
        node('Cast', [x.name], {
          to: CODES[random.pick(['float32', 'uint8', 'int8', 'int32', 'int64'] as const)],
        })
      );
    }
    case 5: {
      const x = of(WORDS);
      if (!x) return undefined;
      const [low, high] = [random.below(300) - 200, random.below(300) + 100];
      return (graph) => {
        const bounds = [low, high].map((value, i) =>
          graph.constant(typed(x.type, [value]), [], `${name}_${i}`),
        );
        graph.node('Clip', [x.name, ...bounds], {}, name);
      };
    }
    case 6:
    case 7: {
      const x = of(['float32', 'int32']);
      if (!x || x.width === 0) return undefined;
      const columns = 1 + random.below(4);
      return (graph) => {
        const w = constant(graph, x.type, x.width * columns, [x.width, columns]);
        graph.node('MatMul', [x.name, w], {}, name);
      };
    }
    case 8: {
      const x = of(['uint8', 'int8']);
      if (!x || x.width === 0) return undefined;
      const type = x.type === 'uint8' && random.below(2) === 0 ? 'int8' : 'uint8';
      return (graph) => {
        const zeros = [
          graph.constant(typed(x.type, [random.below(100)]), [], `${name}_a`),
          graph.constant(typed(type, [random.below(128)]), [], `${name}_b`),
        ];
        const w = constant(graph, type, x.width * 3, [x.width, 3]);
        graph.node('MatMulInteger', [x.name, w, ...zeros], {}, name);
      };
    }
    case 9: {
      const x = of(WORDS);
      return (
        x &&
        withShape(random.pick(['ReduceSum', 'ReduceMax', 'ReduceMin']), [x.name], [random.pick([-1, 1, 2])])
      );
    }
    case 10: {
      const x = of(WORDS);
      if (!x) return undefined;
      const along = random.pick([1, 2]);
      return (graph) => {
        graph.node('CumSum', [x.name, graph.scalar('int64', along)], {}, name);
      };
    }
    case 11: {
      const index = of(['int32', 'int64']);
      if (!index) return undefined;
      return (graph) => {
        const rows = 2 + random.below(6);
        const limit = graph.constant(typed(index.type, [rows]), [], `${name}_rows`);
        const inside = graph.node('Mod', [index.name, limit], {}, `${name}_inside`);
        graph.node(
          'Gather',
          [constant(graph, 'float32', rows * 2, random.pick([[rows, 2], [rows * 2]])), inside],
          {},
          name,
        );
      };
    }
    case 12: {
      const x = random.pick(items);
      const partner = random.pick(items.filter((item) => item.type === x.type && item.shape === x.shape));
      return node('Concat', [x.name, partner.name], { axis: random.pick([1, 2, -1]) });
    }
    case 13: {
      const x = random.pick(items);
      if (x.width < 2) return undefined;
      if (random.below(2) === 0)
        return withShape('Slice', [x.name], [random.pick([0, 1, -2])], [random.pick([2, 9, -1])], [2]);
      return (graph) => {
        graph.nodes('Split', [x.name, graph.shape(1, x.width - 1)], { axis: -1 }, [`${name}_first`, name]);
      };
    }
    case 14: {
      const x = of(['float32', 'int32', 'int64', 'uint8']);
      const condition = items.find((item) => item.type === 'bool' && item.shape === x?.shape);
      if (!x || !condition) return undefined;
      const partner = random.pick(items.filter((item) => item.type === x.type && item.shape === x.shape));
      return node('Where', [condition.name, x.name, partner.name]);
    }
    default: {
      const x = random.pick(items.filter((item) => item.type !== 'bool'));
      return random.pick([
        node('Transpose', [x.name], {
          perm: random.pick([
            [1, 0, 2],
            [0, 2, 1],
          ]),
        }),
        withShape(
          'Reshape',
          [x.name],
          random.pick([
            [0, -1, 1],
            [0, 0, -1],
            [-1, 1, 2],
          ]),
        ),
        withShape('Expand', [x.name], [1, 1, Math.max(x.width, 1)]),
        (graph: GraphBuilder) => {
          const open = graph.node('Unsqueeze', [x.name, graph.shape(-1)], {}, `${name}_open`);
          graph.node('Squeeze', [open, graph.shape(3)], {}, name);
        },
        node('Identity', [x.name]),
      ]);
    }
  }
}

export interface RandomGraph {
  inputs: Record<string, Given>;
  steps: Step[];
  proof: Proof;
}

export function assemble(inputs: Record<string, Given>, steps: readonly Step[]): GraphBuilder {
  const graph = new GraphBuilder('random');
  for (const [name, { type, dims }] of Object.entries(inputs)) graph.input(name, type, dims);
  for (const step of steps) step(graph);
  return graph;
}

/** The oldest operator set that has all of them. */
export const OPSET = 18;

function randomInputs(random: Random): Record<string, Given> {
  const dims = ['lanes', 'time', 3];
  const range = (bits: number): [number, number] => [-random.below(2 ** bits), 1 + random.below(2 ** bits)];
  const [fLow, fHigh] = range(random.below(20));
  const [iLow, iHigh] = range(random.below(30));
  const l = random.betweenBig(1n, 1n << BigInt(1 + random.below(62)));
  return {
    f: { type: 'float32', dims, low: fLow, high: fHigh, exp: -random.below(6) },
    g: { type: 'float32', dims, low: -20, high: 20 },
    i: { type: 'int32', dims, low: iLow, high: iHigh },
    l: { type: 'int64', dims, low: random.below(2) === 0 ? 0n : -l, high: l },
    u: { type: 'uint8', dims, low: 0, high: random.pick([127, 255]) },
    s: { type: 'int8', dims, low: -128, high: 127 },
  };
}

/** Adds steps as long as the audit agrees. `skipped` counts what it refused. */
export function randomGraph(random: Random): RandomGraph {
  const inputs = randomInputs(random);
  const items: Item[] = Object.entries(inputs).map(([name, { type }]) => ({
    name,
    type,
    shape: 'input',
    width: 3,
  }));
  const steps: Step[] = [];
  let proof: Proof = { tensors: new Map(), entries: [] };
  for (let i = 0; i < 30 && steps.length < 14; i++) {
    const name = `t${i}`;
    const draft = randomStep(random, items, name);
    if (!draft) continue;
    // A step may draw random constants when it builds; it must draw the same ones each time.
    const seed = random.below(2 ** 31);
    const step: Step = (graph) => {
      replay(random, seed, () => {
        draft(graph);
      });
    };
    try {
      proof = prove(withOpset(assemble(inputs, [...steps, step]).build({}), OPSET), inputs);
    } catch (error) {
      if (error instanceof LmzError) continue;
      throw error;
    }
    steps.push(step);
    const tensor = proof.tensors.get(name)!;
    if (tensor.shape.length !== 3) continue;
    items.push({
      name,
      type: tensor.type.name,
      shape: proof.entries.find(({ output }) => output === name)!.shape,
      width: fixedSize(tensor.shape[2]) ?? 0,
    });
  }
  return { inputs, steps, proof };
}

/** Runs with the generator at `seed`, and puts it back. */
function replay(random: Random, seed: number, run: () => void): void {
  const before = random.save();
  random.restore(seed);
  try {
    run();
  } finally {
    random.restore(before);
  }
}

/** Random values of the inputs' ranges. */
export function randomFeeds(
  random: Random,
  inputs: Record<string, Given>,
  lanes: number,
  time: number,
): Map<string, Dense> {
  return new Map(
    Object.entries(inputs).map(([name, { type, low, high, exp }]) => {
      const data = Array.from({ length: lanes * time * 3 }, () => {
        const n = random.betweenBig(BigInt(low), BigInt(high));
        return isFloat(type) ? Number(n) * 2 ** (exp ?? 0) : n;
      });
      return [name, { type: type, dims: [lanes, time, 3], data }];
    }),
  );
}
