/**
 * Queries, keys and values of a byte, and the cache that keys and values are kept in.
 *
 * int8, group by group of 8 columns: keys [blocks of 4 places][4 pairs of columns][4 places][2], values [pairs of
 * places][8 columns][2], so that both are multiplied by pairs without a sum across a vector. As int16 they would need no
 * widening, but 2 MiB at the end of the thesis' context, more than the second-level cache has left.
 */
import { GROUP, Layer, Network } from './network';
import { clip } from '../products';
import { limit } from './product';

const BYTE_MAX: f32 = 127;
const UNROTATED_MAX: f32 = 8191;
/** Bits of cosines, and of queries and keys that are lost in the rotation. */
const ROTATION: f32 = 1.0 / 2048.0;

/** float32 [count] of queries or keys, turned: the straight ones and, further on, those of the turned columns. */
function turn(network: Network, straight: usize, turned: usize, place: i32): void {
  const width: usize = network.width;
  const size = width / <usize>network.heads;
  const row = (<usize>place * size) << 1;
  const cosines = <usize>network.positions + row;
  const sines = <usize>network.sines + row;
  for (let i: usize = 0; i < width; i += size) {
    for (let j: usize = 0; j < size; j += 4) {
      const at = (i + j) << 2;
      const cosine = f32x4.convert_i32x4_s(v128.load16x4_s(cosines + (j << 1)));
      const sine = f32x4.convert_i32x4_s(v128.load16x4_s(sines + (j << 1)));
      const a = clip(v128.load(straight + at), -UNROTATED_MAX, UNROTATED_MAX);
      const b = clip(v128.load(turned + at), -UNROTATED_MAX, UNROTATED_MAX);
      const sum = f32x4.add(f32x4.mul(a, cosine), f32x4.mul(b, sine));
      v128.store(straight + at, f32x4.nearest(f32x4.mul(sum, f32x4.splat(ROTATION))));
    }
  }
}

/** Writes keys and values, int16 [width], to a place of the cache. */
function write(network: Network, cache: usize, k: usize, v: usize, slot: usize): void {
  const bytes = (<usize>network.width) << 1;
  const groupBytes = <usize>network.places * GROUP;
  let key = cache + (slot >> 2) * (4 * GROUP) + ((slot & 3) << 1);
  let value = cache + <usize>network.width * <usize>network.places + (slot >> 1) * (2 * GROUP) + (slot & 1);
  for (let i: usize = 0; i < bytes; i += GROUP * 2) {
    for (let j: usize = 0; j < GROUP * 2; j += 2) {
      store<i8>(key + ((j & ~3) << 1) + ((j & 2) >> 1), load<i8>(k + i + j));
      store<i8>(value + j, load<i8>(v + i + j));
    }
    key += groupBytes;
    value += groupBytes;
  }
}

/**
 * Turns and limits what was projected into `sums`: to `query`, and to the byte's place in the layer's cache.
 *
 * @param count - of the lane's bytes before this one, as far as positions tell them apart
 */
export function remember(network: Network, layer: Layer, cache: usize, count: i32, slot: i32): void {
  const width: usize = network.width;
  const rowBytes = width << 2;
  const q: usize = network.sums;
  const k = q + rowBytes;
  const v = k + rowBytes;
  if (network.rotary) {
    const place = min(count, network.context - 1);
    turn(network, q, v + rowBytes, place);
    turn(network, k, v + 2 * rowBytes, place);
  }
  const query: usize = network.query;
  const key = query + (width << 1);
  const value = key + (width << 1);
  limit(q, width, -layer.queryMax, layer.queryMax, query);
  limit(k, width, -BYTE_MAX, BYTE_MAX, key);
  limit(v, width, -BYTE_MAX, BYTE_MAX, value);
  write(network, cache, key, value, slot);
}
