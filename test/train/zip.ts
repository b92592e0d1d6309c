/**
 * A zip file of one entry, made by the format's description (APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16).
 *
 * @module
 */
import { crc32, deflateRawSync } from 'node:zlib';

export function zipOf(name: string, content: Uint8Array): Buffer {
  const packed = deflateRawSync(content);
  const label = Buffer.from(name);
  // Version 2.0, no flags, deflate, 1980-01-01; then checksum, sizes and the length of the name.
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt16LE(33, 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(label.length, 22);
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, label, packed]);
  const central = Buffer.concat([
    Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'),
    common,
    Buffer.alloc(14),
    label,
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\u0005\u0006', 'latin1'), end]);
}
