/**
 * What somebody does who can write the file and compute a hash: rows changed, taken out or put in, and the hashes after them
 * written again. Lines are without their newline.
 */
import { HASH_SUFFIX_BYTES, hashSuffix } from '../chain';
import { sha256Hex } from '../digest';
import { ulidAfter } from '../ids';
import { canonicalJson, toJson } from '../json';

interface Placed {
  readonly seq: number;
  readonly ts: string;
  readonly id: string;
  readonly hash: string;
}

export function placedIn(line: string): Placed {
  return JSON.parse(line) as Placed;
}

/** The line with other text in it, and the hash that is right then. */
export function rewritten(line: string, change: (text: string) => string): string {
  return hashed(change(`${line.slice(0, -HASH_SUFFIX_BYTES)}}`));
}

/** The text of a row with the content_hash that is right for its payload. */
export function contentHashed(text: string): string {
  const { payload } = JSON.parse(text) as { readonly payload: unknown };
  const hash = sha256Hex(canonicalJson(toJson(payload)));
  return text.replace(/"content_hash":"[0-9a-f]{64}"/, `"content_hash":"${hash}"`);
}

function hashed(open: string): string {
  return `${open.slice(0, -1)}${hashSuffix(sha256Hex(open))}`;
}

/** A row of one's own behind a line, in good form, with its place and its hash. */
export function rowAfter(line: string, members: string, at?: string): string {
  const { seq, ts: before, id, hash } = placedIn(line);
  const ts = at ?? before;
  const own = `"seq":${seq + 1},"ts":"${ts}","id":"${ulidAfter(id)}","by":"1000:mallory@host"`;
  return hashed(`{${own},${members},"nonce":"AAAAAAAAAAAAAAAAAAAAAA","prev_hash":"${hash}"}`);
}

/**
 * The lines with one of them changed, and every hash that named it or a later one written again: a chain as good as before.
 * @param seq of the row to change
 */
export function rechained(lines: readonly string[], seq: number, change: (text: string) => string): string[] {
  return relinked(lines.map((line, i) => (i === seq - 1 ? { line, change } : { line })));
}

/** The lines without some of them, numbered and chained again without a gap. */
export function without(lines: readonly string[], isOut: (line: string) => boolean): string[] {
  return relinked(lines.map((line) => (isOut(line) ? { line, isOut: true } : { line })));
}

interface Link {
  readonly line: string;
  readonly change?: (text: string) => string;
  readonly isOut?: boolean;
}

function relinked(links: readonly Link[]): string[] {
  /** The hash of before, and what stands in its place. */
  const moved = new Map<string, string>();
  const out: string[] = [];
  for (const { line, change = (text: string) => text, isOut = false } of links) {
    const { hash } = placedIn(line);
    const head = out.at(-1);
    if (isOut) {
      moved.set(hash, head === undefined ? hash : placedIn(head).hash);
      continue;
    }
    const next = rewritten(line, (text) => change(inPlace(text, out.length + 1, moved)));
    if (next !== line) moved.set(hash, placedIn(next).hash);
    out.push(next);
  }
  return out;
}

function inPlace(text: string, seq: number, moved: ReadonlyMap<string, string>): string {
  return text.replace(/^\{"seq":\d+/, `{"seq":${seq}`).replace(/[0-9a-f]{64}/g, (hash) => moved.get(hash) ?? hash);
}
