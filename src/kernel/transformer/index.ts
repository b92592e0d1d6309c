/**
 * One step of the integer Transformer (src/model/transformer/network.ts has the formulas), 128-bit SIMD.
 *
 * Products are sums of int16 pairs in int32; what is between them is float32, operator for operator as the graph has it, on
 * integers that float32 holds exactly (the audit proves that); what passes 2^24 is float64, which holds integers up to
 * 2^53. All widths are multiples of 8.
 */
import { attend } from './attention';
import { Layer, LANE_HEAD, Network } from './network';
import { normalise } from './norm';
import { limit, multiply } from './product';

const ALPHABET: usize = 256;
const EMBEDDED_MAX: i16 = 5000;
const HIDDEN_LIMIT: f32 = 512;

/** The byte's row, and its position's where that is not in the rotations: to `input` and `residual`. */
function embed(network: Network, token: i32, place: i32): void {
  const width: usize = network.width;
  const row = <usize>network.embedding + ((<usize>token * width) << 1);
  const position = <usize>network.positions + ((<usize>place * width) << 1);
  const input: usize = network.input;
  const residual: usize = network.residual;
  for (let i: usize = 0; i < width << 1; i += 16) {
    let x = v128.load(row + i);
    // What saturates is past the limit.
    if (!network.rotary) x = i16x8.add_sat_s(x, v128.load(position + i));
    x = i16x8.min_s(i16x8.max_s(x, i16x8.splat(-EMBEDDED_MAX)), i16x8.splat(EMBEDDED_MAX));
    v128.store(input + i, x);
    v128.store(residual + (i << 1), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(x)));
    v128.store(residual + (i << 1), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(x)), 16);
  }
}

/**
 * Feeds one byte to a lane.
 *
 * @param address - of the Network
 * @param lane - of its state: LANE_HEAD bytes, then keys and values of every layer; zeros in the first are a lane that
 *   nothing was fed to
 * @param logits - where int32 [256] are written
 */
export function step(address: usize, lane: usize, token: i32, logits: usize): void {
  const network = changetype<Network>(address);
  const list: usize = network.list;
  const sums: usize = network.sums;
  const input: usize = network.input;
  const hidden: usize = network.hidden;
  const context = network.context;
  // Bytes before this one, up to the context; and the place of the cache that is next.
  const count = load<i32>(lane);
  const slot = load<i32>(lane, 4);
  store<i32>(lane, min(count + 1, context));
  store<i32>(lane, slot == context ? 0 : slot + 1, 4);

  embed(network, token, min(count, context - 1));
  const cacheBytes = (<usize>network.width * <usize>network.places) << 1;
  let cache = lane + LANE_HEAD;
  for (let i: usize = 0; i < <usize>network.layers; i++) {
    const layer = changetype<Layer>(<usize>load<u32>(<usize>network.layer + (i << 2)));
    multiply(layer.project, input, list, sums);
    attend(network, layer, cache, count, slot);
    multiply(layer.mix, input, list, sums);
    normalise(network, layer.norm1);
    multiply(layer.up, input, list, sums);
    limit(sums, hidden, 0, HIDDEN_LIMIT, input);
    multiply(layer.down, input, list, sums);
    normalise(network, layer.norm2);
    cache += cacheBytes;
  }
  multiply(network.output, input, list, sums);
  for (let i: usize = 0; i < ALPHABET << 2; i += 16) {
    v128.store(logits + i, i32x4.trunc_sat_f32x4_s(v128.load(sums + i)));
  }
}
