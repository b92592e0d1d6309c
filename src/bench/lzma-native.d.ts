/** What is used of lzma-native; the types on npm are those of an older one. */
declare module 'lzma-native' {
  interface Options {
    readonly preset: number;
    readonly check: number;
  }

  const lzma: {
    readonly PRESET_EXTREME: number;
    readonly CHECK_CRC64: number;
    /** Makes an `.xz` file. */
    compress(bytes: Uint8Array, options: Options): Promise<Uint8Array>;
    decompress(bytes: Uint8Array): Promise<Uint8Array>;
  };
  export default lzma;
}
