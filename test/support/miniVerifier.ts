/**
 * A verifier of its own, written from the format's text alone: nothing of the product is used, so that a mistake of the
 * product cannot hide itself. It says what is wrong as text; an empty list is a pass.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

type Members = Readonly<Record<string, unknown>>;

const ZERO = '0'.repeat(64);
const END = /,"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;
const TS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Canonical form (RFC 8785), from its text: members sorted by UTF-16 units, ECMAScript numbers and strings. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = value as Members;
  const names = Object.keys(members).sort((a, b) => (a < b ? -1 : 1));
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(members[name])}`).join(',')}}`;
}

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** What is wrong with the rows of a ledger file without gaps. */
export function faultsOf(path: string): string[] {
  return faultsOfBytes(readFileSync(path));
}

export function faultsOfBytes(bytes: Buffer): string[] {
  const lines = bytes.toString('latin1').split('\n');
  const faults: string[] = lines.pop() === '' ? [] : ['the last line has no newline'];
  const streams = new Map<string, { seq: number; hash: string }>();
  let prev = { hash: ZERO, id: '' };
  lines.forEach((line, i) => {
    const say = (what: string): unknown => faults.push(`row ${i + 1}: ${what}`);
    const end = END.exec(line);
    if (end === null) return say('no fixed end');
    const [whole, prevHash, hash] = end as unknown as [string, string, string];
    const row = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as Members;
    if (sha256(Buffer.from(`${line.slice(0, -whole.length)},"prev_hash":"${prevHash}"}`, 'latin1')) !== hash)
      say('its hash is not that of its bytes');
    if (prevHash !== prev.hash) say('it does not link');
    if (row['seq'] !== i + 1) say(`seq ${String(row['seq'])}`);
    if (!ULID.test(String(row['id'])) || String(row['id']) <= prev.id) say(`id ${String(row['id'])} after ${prev.id}`);
    if (!TS.test(String(row['ts']))) say(`ts ${String(row['ts'])}`);
    const content = row['payload'] === undefined ? undefined : sha256(canonical(row['payload']));
    if (row['content_hash'] !== content) say('content_hash');
    if (!String(row['action']).startsWith('audit.')) {
      for (const kind of ['run', 'decision']) checkStream(row, kind, hash, streams, say);
    }
    prev = { hash, id: String(row['id']) };
    return undefined;
  });
  return faults;
}

function checkStream(
  row: Members,
  kind: string,
  hash: string,
  streams: Map<string, { seq: number; hash: string }>,
  say: (what: string) => unknown,
): void {
  const id = row[`${kind}_id`];
  if (id === undefined) {
    if (row[`${kind}_seq`] !== undefined) say(`a place in no ${kind}`);
    return;
  }
  const key = `${kind}/${JSON.stringify(id)}`;
  const before = streams.get(key) ?? { seq: 0, hash: ZERO };
  if (row[`${kind}_seq`] !== before.seq + 1 || row[`${kind}_prev_hash`] !== before.hash)
    say(`${kind}_seq ${String(row[`${kind}_seq`])} after ${before.seq}`);
  streams.set(key, { seq: before.seq + 1, hash });
}

/** The rows of a ledger file as JSON.parse gives them. */
export function rowsOf(path: string): Members[] {
  const text = readFileSync(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Members);
}
