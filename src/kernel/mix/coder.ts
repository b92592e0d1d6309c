/** The arithmetic coder of src/entropy/coder.ts, in 64-bit integers. */
import { reach, streamAt } from './memory';

const TOP: u64 = 1 << 48;
const BOTTOM: u64 = 1 << 40;

let decoding: bool = false;
let low: u64 = 0;
let range: u64 = TOP;
/** Address after the last byte written, or of the next byte to read; end of what there is to read. */
let at: u32 = 0;
let end: u32 = 0;
/** Bytes of memory that may be written to. */
let limit: u32 = 0;

/** Starts a stream, which lies at streamAt when it is to be read. */
export function beginStream(decode: bool, length: u32): void {
  decoding = decode;
  low = 0;
  range = TOP;
  at = streamAt;
  end = streamAt + length;
  limit = 0;
  if (decode) for (let i = 0; i < 6; i++) low = (low << 8) | nextByte();
}

@inline
function nextByte(): u64 {
  const byte: u64 = at < end ? <u64>load<u8>(at) : 0;
  at++;
  return byte;
}

/** Adds one to the bytes already written. */
function carry(): void {
  let last = at - 1;
  while (load<u8>(last) === 255) store<u8>(last--, 0);
  store<u8>(last, load<u8>(last) + 1);
}

/** Makes room for the bytes of a coded byte; to be called before it. */
@inline
export function makeRoom(): void {
  if (at >= limit) grow();
}

function grow(): void {
  if (!decoding && !reach(<u64>at + 65536 + 64)) unreachable();
  limit = decoding ? u32.MAX_VALUE : at + 65536;
}

/** Codes a bit by the probability of a 1 in units of 2^-24; `bit` is ignored when decoding. */
@inline
export function codeBit(probability: u32, bit: u32): u32 {
  const bound: u64 = (range >> 24) * probability;
  if (decoding) {
    // Here `low` is the coded number less the interval's low end.
    if (low < bound) {
      range = bound;
      bit = 1;
    } else {
      low -= bound;
      range -= bound;
      bit = 0;
    }
    while (range <= BOTTOM) {
      range <<= 8;
      low = (low << 8) | nextByte();
    }
    return bit;
  }
  if (bit) {
    range = bound;
  } else {
    low += bound;
    range -= bound;
    if (low >= TOP) {
      low -= TOP;
      carry();
    }
  }
  while (range <= BOTTOM) {
    store<u8>(at++, <u8>(low >> 40));
    low = (low & (BOTTOM - 1)) << 8;
    range <<= 8;
  }
  return bit;
}

/** Ends the stream with the shortest bit string in the interval; returns its length in bytes. */
export function finishStream(): u32 {
  const top = low + range;
  let step = TOP;
  let value = (low + step - 1) & ~(step - 1);
  while (value >= top) {
    step >>= 1;
    value = (low + step - 1) & ~(step - 1);
  }
  if (value >= TOP) {
    value -= TOP;
    carry();
  }
  makeRoom();
  for (let i = 0; i < 6; i++) {
    store<u8>(at++, <u8>(value >> 40));
    value = (value & (BOTTOM - 1)) << 8;
  }
  while (at > streamAt && load<u8>(at - 1) === 0) at--;
  return at - streamAt;
}

/** What the check of a stream's end needs: bytes read (also past the end) or written, offset and range. */
export function bytesRead(): u32 {
  return at - streamAt;
}
export function finalOffset(): f64 {
  return <f64>low;
}
export function finalRange(): f64 {
  return <f64>range;
}
