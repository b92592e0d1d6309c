/**
 * The models of this release, by hash. Their audit is a test of the release, and need not be done again whenever one is
 * used: it takes longer than loading them.
 *
 * @module
 */

/** SHA-256 of the files in `models/`, lower-case hexadecimal. */
export const SHIPPED_HASHES: ReadonlySet<string> = new Set([
  // default.onnx
  '20c0e8aab1a1da957bd89bfe362d6905a336c5acc33cc66d544feb66e9caf780',
  // small.onnx
  '4336bf5a0b9dc52926c3ee3dcdc4c619f658eb3920eb68e1339e8ca61d3534ac',
  // transformer-rotary.onnx
  'a208e7017add53b3f52f6fbf848a4e8292ad25fa7a5115fbe06d4861e6ec88eb',
  // order2.onnx
  '044bdd4177e0b43d7876ff6a72c20d7059451b682f276c3d9b90f823148176af',
]);
