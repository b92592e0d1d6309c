/**
 * The documents of the repository, taken apart: blocks of code, code within lines, links, headings.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block. */
export interface Block {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly language: string;
  /** The word after the language, which says how the block is tested; empty for none. */
  readonly mark: string;
  readonly code: string;
}

/** A document, taken apart. */
export interface Document {
  /** From the repository's root. */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** Code within lines. */
  readonly inline: readonly string[];
  /** Targets of links and images. */
  readonly links: readonly string[];
  /** What a link may name after `#`. */
  readonly anchors: ReadonlySet<string>;
}

const FOLDERS = ['.', 'docs', 'models', 'spec', 'fixtures', 'src/kernel', 'tools/native-train'];

/** Paths of everything that is written for people by people; results of benchmarks are not. */
export const DOCUMENTS: readonly string[] = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
);

const parser = new MarkdownIt({ html: true });

export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const tokens = parser.parse(text, {});
  const blocks: Block[] = [];
  const inline: string[] = [];
  const links: string[] = [];
  const slugger = new GithubSlugger();
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]));
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'fence') {
      const [language = '', mark = ''] = token.info.split(' ');
      blocks.push({ line: token.map![0] + 1, language, mark, code: token.content });
    }
    if (token.type === 'html_block') links.push(...linksOfHtml(token.content));
    const children = token.children ?? [];
    for (const child of children) {
      if (child.type === 'code_inline') inline.push(child.content);
      if (child.type === 'link_open') links.push(child.attrGet('href')!);
      if (child.type === 'image') links.push(child.attrGet('src')!);
      if (child.type === 'html_inline') links.push(...linksOfHtml(child.content));
    }
    if (tokens[i - 1]?.type === 'heading_open') {
      anchors.add(slugger.slug(children.map(({ content }) => content).join('')));
    }
  }
  return { path, blocks, inline, links, anchors };
}

function linksOfHtml(html: string): string[] {
  return [...html.matchAll(/(?:href|src|srcset)="([^"]+)"/g)].map((match) => match[1]);
}

/** The documents' blocks of shell code, each with its place. */
export const SHELL_BLOCKS: readonly (Block & { readonly name: string; readonly path: string })[] =
  DOCUMENTS.flatMap((path) =>
    readDocument(path)
      .blocks.filter(({ language }) => ['sh', 'bash'].includes(language))
      .map((block) => ({ name: `${path}:${block.line}`, path, ...block })),
  );
