/**
 * What every engine asks of the tokens that it is fed.
 *
 * @module
 */

/**
 * @param count  lanes * time
 * @throws RangeError
 */
export function requireTokens(tokens: Int32Array | Uint8Array, count: number, alphabet: number): void {
  if (tokens.length !== count) {
    throw new RangeError(`"tokens" expected ${count} values (lanes * time), got ${tokens.length}`);
  }
  for (let i = 0; i < count; i++) {
    const token = tokens[i];
    // One comparison for both ends: a negative number is a large unsigned one.
    if (token >>> 0 >= alphabet)
      throw new RangeError(`"tokens" expected values 0 to ${alphabet - 1}, got ${token}`);
  }
}
