// The package ships its declarations beside the CommonJS file only, where an ESM import does not look.
declare module 'binary-parser' {
  export * from 'binary-parser/dist/binary_parser.js';
}
