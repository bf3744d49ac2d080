/** The rows, each on its own: that its bytes give the hash that it declares, and its payload the digest beside it. */
import { digestHex } from './bytes';
import { Fault } from './finding';
import type { Findings } from './finding';
import { canonical, parseStrict, shown } from './json';
import type { JsonObject } from './json';

export interface Row {
  readonly seq: number;
  readonly hash: string;
  readonly action: string;
  readonly members: JsonObject;
}

const END = /^(.*),"prev_hash":"[0-9a-f]{64}","hash":"([0-9a-f]{64})"\}$/s;
/** Characters of `,"hash":"<64 hex>"}`. */
const HASH_CHARS = 75;
const MAX_CHARS = 1 << 20;
const MARKS = ['seq', 'nonce', 'prev_hash', 'hash', 'run_prev_hash', 'content_hash'];
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** @returns one for each line; undefined for one that is no sound row */
export function readRows(lines: readonly string[], findings: Findings): (Row | undefined)[] {
  let last = 0;
  return lines.map((line, i) => {
    const row = readRow(line, i, findings);
    if (row === undefined) return undefined;
    const { seq } = row;
    findings.must(seq !== last, 'REPLAY', 'every row once', 'the same row twice', seq);
    findings.must(seq >= last, 'MALFORMED', `rows in their order, after row ${last}`, `row ${seq}`, seq);
    last = seq;
    return row;
  });
}

function readRow(line: string, i: number, findings: Findings): Row | undefined {
  const notARow = (): undefined => void findings.must(false, 'MALFORMED', `a row as event ${i + 1}`, line.slice(0, 80));
  const loose = looseRow(line);
  const marks = MARKS.filter((name) => Object.hasOwn(loose, name)).length;
  const at = typeof loose.seq === 'number' ? loose.seq : undefined;
  const hash = END.exec(line)?.[2];
  if (marks < (hash === undefined ? 2 : 1)) return notARow();
  const [want, got] =
    hash === undefined
      ? [`event ${i + 1} with the end of a row`, line.slice(-160)]
      : [`bytes that give hash ${hash}`, digestHex(`${line.slice(0, -HASH_CHARS)}}`)];
  if (!findings.must(got === hash, 'CONTENT_ALTERED', want, got, at) || hash === undefined) return undefined;
  const members = membersOf(line);
  const [seq, action] = [members?.get('seq'), members?.get('action')];
  const isRow = typeof seq === 'number' && typeof action === 'string' && line.length <= MAX_CHARS && hasForm(members);
  if (members === undefined || !isRow || action === 'audit.tombstone') return notARow();
  if (!checkPayload(members, seq, findings)) return undefined;
  return { seq, action, hash, members };
}

/** What may be a row, read loosely: without any member where there is nothing of one, or something around it. */
function looseRow(line: string): { readonly seq?: unknown } {
  try {
    const value: unknown = line.trim() === line ? JSON.parse(line) : undefined;
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function membersOf(line: string): JsonObject | undefined {
  try {
    const value = parseStrict(line);
    return value instanceof Map ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** What a row cannot be without; its exact spelling is for the command. */
function hasForm(members: JsonObject | undefined): boolean {
  const [ts, id, by] = ['ts', 'id', 'by'].map((name) => shown(members?.get(name)));
  const isPlace = (name: string): boolean => {
    const place = members?.get(name);
    return Number.isSafeInteger(place) && (place as number) > 0;
  };
  const isWhole = (kind: string): boolean => {
    const there = [`${kind}_id`, `${kind}_seq`, `${kind}_prev_hash`].filter((name) => members?.has(name)).length;
    return there === 0 || (there === 3 && isPlace(`${kind}_seq`));
  };
  const hasPayload = members?.has('payload') !== true || members.get('payload') instanceof Map;
  const isNamed = TIME.test(ts ?? '') && ULID.test(id ?? '') && members?.has('by') === true && by !== '';
  return isPlace('seq') && isNamed && hasPayload && isWhole('run') && isWhole('decision');
}

function checkPayload(members: JsonObject, seq: number, findings: Findings): boolean {
  const [payload, declared] = [members.get('payload'), members.get('content_hash')];
  if (payload === undefined && declared === undefined) return true;
  const got = payload === undefined ? 'no payload' : digestHex(canonical(payload));
  return findings.must(got === declared, 'CONTENT_ALTERED', `a payload of digest ${shown(declared)}`, got, seq);
}
