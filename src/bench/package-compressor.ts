/**
 * Compressors that are packages of npm: development dependencies, which an installed lmz does not have.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Availability, Compressor } from './compressor.ts';

/** A compressor that is a package. */
export interface PackageSpec<Library> {
  readonly name: string;
  readonly label: string;
  /** The package's name. */
  readonly package: string;
  /** Imports the package, and makes it ready. */
  readonly load: () => Promise<Library>;
  readonly compress: (library: Library, bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  readonly decompress: (library: Library, bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/** The version in a package's manifest, which need not be among what the package exports. */
function versionOf(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const manifest = folders.map((folder) => join(folder, name, 'package.json')).find(existsSync);
  if (manifest === undefined) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Runs a package in this process. */
export class PackageCompressor<Library> implements Compressor {
  readonly name: string;
  readonly label: string;
  readonly kind = 'library' as const;
  readonly #spec: PackageSpec<Library>;
  #library: Promise<Library> | undefined;

  constructor(spec: PackageSpec<Library>) {
    this.#spec = spec;
    this.name = spec.name;
    this.label = spec.label;
  }

  async available(): Promise<Availability> {
    const name = this.#spec.package;
    const version = versionOf(name);
    if (version === undefined) return { missing: `the package ${name} is not installed` };
    try {
      await this.#load();
    } catch {
      return { missing: `the package ${name} does not run here` };
    }
    return { version: `${name} ${version}` };
  }

  async compress(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#spec.compress(await this.#load(), bytes);
  }

  async decompress(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#spec.decompress(await this.#load(), bytes);
  }

  #load(): Promise<Library> {
    return (this.#library ??= this.#spec.load());
  }
}
