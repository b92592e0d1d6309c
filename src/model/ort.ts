/**
 * The one door to ONNX Runtime: loads onnxruntime-node (native) or onnxruntime-web (WebAssembly, here under Node) when
 * a session is first opened, and never before, so that everything else works without either.
 *
 * Both are told to use one thread: more make the small steps of a language model slower, and results do not depend
 * on it. onnxruntime-web finds its .wasm file next to its own module in node_modules; nothing is fetched.
 *
 * @module
 */
import { LmzError } from '../errors.ts';

/**
 * What runs a model: `kernel`, which is WebAssembly and knows the networks that `lmz train` exports by default; `node`,
 * onnxruntime-node; `web`, onnxruntime-web; `auto`, the first that can.
 */
export type Engine = 'auto' | 'kernel' | 'node' | 'web';
/** Which runtime: 'auto' is 'node', or 'web' where the native one cannot be loaded. */
export type RuntimeChoice = Exclude<Engine, 'kernel'>;
const CHOICES: readonly RuntimeChoice[] = ['auto', 'node', 'web'];

export type TensorData = Float32Array | Int32Array | Uint8Array | Int8Array | BigInt64Array;

/** A tensor in the runtime's own class. */
export interface RuntimeTensor {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** A loaded graph. Inputs and outputs are named tensors; outputs belong to the caller. */
export interface RuntimeSession {
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

/** For sessions whose last bits do not matter. */
export interface RuntimeOptions {
  /**
   * Takes denormal numbers for zero, on the whole of the calling thread from then on. Gradients that fade over many steps
   * are full of them, and some processors take a hundred times as long for each.
   */
  readonly flushDenormals?: boolean;
}

export interface Runtime {
  readonly name: 'onnxruntime-node' | 'onnxruntime-web';
  readonly version: string;
  /** `onnxruntime-node 1.30.0 linux-x64`: what a platform-bound archive pins. */
  readonly id: string;
  tensor(type: string, data: TensorData, dims: readonly number[]): RuntimeTensor;
  /** @throws LmzError LMZ_ENGINE when the runtime refuses the model */
  create(model: Uint8Array, options?: RuntimeOptions): Promise<RuntimeSession>;
}

/** What lmz uses of either package. */
interface OrtModule {
  readonly Tensor: new (type: string, data: TensorData, dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<RuntimeSession> };
  readonly env: {
    logLevel?: string;
    versions: Record<string, string | undefined>;
    wasm: Record<string, unknown>;
  };
}

const opened = new Map<RuntimeChoice, Promise<Runtime>>();

/** Imports a package, whether it is an ES module or CommonJS. */
async function load(engine: 'node' | 'web'): Promise<OrtModule> {
  const imported: unknown = await (engine === 'node'
    ? import('onnxruntime-node')
    : import('onnxruntime-web'));
  const module = imported as Partial<OrtModule> & { default?: OrtModule };
  return module.InferenceSession ? (module as OrtModule) : module.default!;
}

async function open(engine: 'node' | 'web'): Promise<Runtime> {
  const name = `onnxruntime-${engine}` as const;
  let ort: OrtModule;
  try {
    ort = await load(engine);
  } catch (cause) {
    throw new LmzError('LMZ_ENGINE', `${name} cannot be loaded: ${firstLine(cause)}`, {
      cause,
      hint:
        engine === 'node'
          ? 'It has binaries for Linux and Windows (x64, arm64) and macOS (arm64); elsewhere run: npm install onnxruntime-web'
          : 'Run: npm install onnxruntime-web',
    });
  }
  // Warnings of the runtime (unused constants, for one) are no concern of a user of a compressor, and its errors are
  // thrown besides being logged.
  ort.env.logLevel = 'fatal';
  if (engine === 'web') {
    ort.env.wasm['numThreads'] = 1;
    ort.env.wasm['proxy'] = false;
  }
  const version = ort.env.versions[engine] ?? ort.env.versions['common'] ?? 'unknown';
  const options = {
    executionProviders: [engine === 'node' ? 'cpu' : 'wasm'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
  };
  return {
    name,
    version,
    id: `${name} ${version} ${engine === 'node' ? `${process.platform}-${process.arch}` : 'wasm32'}`,
    tensor: (type, data, dims) => new ort.Tensor(type, data, dims),
    async create(model, { flushDenormals = false } = {}) {
      const extra = flushDenormals ? { extra: { session: { set_denormal_as_zero: '1' } } } : {};
      try {
        return await ort.InferenceSession.create(model, { ...options, ...extra });
      } catch (cause) {
        throw new LmzError('LMZ_ENGINE', `${name} refuses the model: ${firstLine(cause)}`, { cause });
      }
    },
  };
}

/** The first line of an error's message: Node appends require stacks, the runtime C++ ones. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0];
}

async function openAuto(): Promise<Runtime> {
  try {
    return await openRuntime('node');
  } catch (nodeError) {
    try {
      return await openRuntime('web');
    } catch {
      throw nodeError;
    }
  }
}

/**
 * Loads a runtime, once per process.
 *
 * @throws LmzError LMZ_ENGINE when its package or binary is missing; TypeError for another name
 */
export function openRuntime(engine: RuntimeChoice): Promise<Runtime> {
  if (!CHOICES.includes(engine)) {
    throw new TypeError(`"engine" expected ${CHOICES.join(', ')}, got ${engine}`);
  }
  let runtime = opened.get(engine);
  if (!runtime) {
    runtime = engine === 'auto' ? openAuto() : open(engine);
    opened.set(engine, runtime);
  }
  return runtime;
}

/** Name, version and platform of a runtime, such as `onnxruntime-node 1.30.0 linux-x64`. */
export async function runtimeId(engine: RuntimeChoice): Promise<string> {
  return (await openRuntime(engine)).id;
}
