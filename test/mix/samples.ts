/** Bytes of several kinds, made from a seed. */

/** A small generator of numbers below 2^32 (Numerical Recipes' constants). */
export function generator(seed: number): () => number {
  let x = seed >>> 0;
  return () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) >>> 8;
}

export function randomBytes(length: number, seed = 1): Uint8Array {
  const next = generator(seed);
  return Uint8Array.from({ length }, () => (next() >> 8) & 255);
}

/** Words of an invented language, in sentences and lines, with some markup. */
export function textBytes(length: number, seed = 2): Uint8Array {
  const next = generator(seed);
  const words = Array.from({ length: 80 }, () =>
    Array.from({ length: 2 + (next() % 4) }, () => 'bdfklmnprst'[next() % 11] + 'aeiou'[next() % 5]).join(''),
  );
  let text = '';
  while (text.length < length) {
    const word = words[Math.min(next() % 80, next() % 80)];
    text += next() % 40 === 0 ? `<b>"${word}"</b>` : word;
    text += next() % 9 === 0 ? ',\n' : next() % 30 === 0 ? '. É ' : ' ';
  }
  return new TextEncoder().encode(text).subarray(0, length);
}

/** Records of 12 bytes: a counter, a slow value, noise. */
export function recordBytes(length: number, seed = 3): Uint8Array {
  const next = generator(seed);
  const bytes = new Uint8Array(length + 12);
  const view = new DataView(bytes.buffer);
  let value = 1000;
  for (let at = 0; at < length; at += 12) {
    value += (next() % 7) - 3;
    view.setUint32(at, at / 12, true);
    view.setInt32(at + 4, value, true);
    view.setUint16(at + 8, next() & 0xffff, true);
    view.setUint16(at + 10, 0xfd, true);
  }
  return bytes.subarray(0, length);
}

/** A bitmap of 40 bytes a row, with slanted strokes. */
export function bitmapBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    const y = Math.floor(i / 40);
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) {
      const x = (i % 40) * 8 + bit;
      byte = byte * 2 + ((x + (y >> 1)) % 61 < 7 && (x ^ y) % 97 > 5 ? 1 : 0);
    }
    return byte;
  });
}
