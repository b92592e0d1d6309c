/**
 * What a file says of itself: {@link readInfo}. No model is needed, nothing is decoded.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import type { Frame } from '../container/frame.ts';
import { PREDICTOR } from '../container/layout.ts';
import type { MixParameters } from '../mix/parameters.ts';
import type { ContentCheck } from '../digest.ts';
import { openSource } from './byte-source.ts';
import { frameOffsets, type LocatedMember, locateFrame, locateMembers } from './members.ts';
import type { ByteSource } from './byte-source.ts';

/** A frame as it stands in a file. */
export interface FrameInfo {
  /** What it holds: content, coded or stored; the model; or something that decoders pass over. */
  type: Frame['type'];
  /** Where it begins in the file. */
  offset: number;
  /** Header and payload. */
  compressedSize: number;
  /** Content; 0 for model and skippable frames. */
  size: number;
  /** Number of the predictor; present in coded frames. */
  predictor?: number;
  /** Parts that are coded in lock-step; present in coded frames. */
  lanes?: number;
  /** Present where the predictor is 2. */
  mixing?: MixParameters;
}

/** A member: all that one encoding wrote. */
export interface MemberInfo {
  /** Of the format. */
  version: number;
  /** Largest content of a frame. */
  chunkSize: number;
  /** Which check the whole content has. */
  contentCheck: ContentCheck;
  /** The check of the whole content, in hexadecimal digits in the order of the file's bytes. */
  contentCheckValue: string;
  /** SHA-256 of the model, where the member names one. */
  modelHash: string | undefined;
  /** Whether the model is inside the file. */
  embeddedModel: boolean;
  /** Present where the member decodes only on a platform like the one that made it. */
  platformBound: { lanes: number; runtime: string; fingerprint: string } | undefined;
  /** Where it begins in the file. */
  offset: number;
  /** From header to footer. */
  compressedSize: number;
  /** Content. */
  size: number;
  /** In the order of the file. */
  frames: FrameInfo[];
}

/** A whole file. */
export interface LmzInfo {
  /** The file. */
  compressedSize: number;
  /** Content of all members. */
  size: number;
  /** In the order of the file. */
  members: MemberInfo[];
}

/**
 * Reads headers and indexes of an lmz file.
 *
 * @param source  a path, or the file's bytes
 * @throws LmzError where the structure is broken; frames' contents are not looked at
 * @example
 * ```ts
 * import { compress, readInfo } from 'lmz';
 * const info = await readInfo(await compress('blue fish'));
 * console.log(info.size, info.members[0]?.frames.length); // 9 1
 * ```
 */
export async function readInfo(source: string | Uint8Array): Promise<LmzInfo> {
  const bytes = await openSource(source);
  try {
    const members: MemberInfo[] = [];
    for (const member of await locateMembers(bytes)) members.push(await memberInfo(bytes, member));
    const size = members.reduce((sum, member) => sum + member.size, 0);
    return { compressedSize: bytes.size, size, members };
  } finally {
    await bytes.close();
  }
}

async function memberInfo(source: ByteSource, member: LocatedMember): Promise<MemberInfo> {
  const { header, index } = member;
  const frames: FrameInfo[] = [];
  for (const offset of frameOffsets(member)) {
    const { frameSize } = index.entries[frames.length];
    const { frame } = await locateFrame(source, member, frames.length, offset);
    frames.push({
      type: frame.type,
      offset,
      compressedSize: frameSize,
      size: frame.rawSize,
      ...(frame.type === 'coded' && { predictor: frame.predictor }),
      ...(frame.type === 'coded' && frame.parameters && { lanes: frame.parameters.lanes }),
      ...(frame.type === 'coded' &&
        frame.parameters?.predictor === PREDICTOR.mix2 && { mixing: frame.parameters.mix }),
    });
  }
  const { platform } = header;
  return {
    version: 1,
    chunkSize: header.chunkSize,
    contentCheck: header.contentCheck,
    contentCheckValue: toHex(index.contentCheck),
    modelHash: header.modelHash && toHex(header.modelHash),
    embeddedModel: header.embedded,
    platformBound: platform && {
      lanes: platform.lanes,
      runtime: platform.runtime,
      fingerprint: toHex(platform.fingerprint),
    },
    offset: member.start,
    compressedSize: member.end - member.start,
    size: member.contentSize,
    frames,
  };
}
