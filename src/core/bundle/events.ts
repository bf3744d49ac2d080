/**
 * The lines of a bundle, each on its own: exactly what a writer wrote, with the hash that it declares.
 *
 * A bundle is checked by a program that has just started, so code of ours that goes through bytes is not compiled yet, and
 * takes twenty times as long as later. A line in the form of nearly all is read by the engine's own means; any other goes the
 * exact way, as in `verify --strict`.
 */
import { HASH_SUFFIX_BYTES } from '../chain';
import { sha256Hex } from '../digest';
import { orNothing } from '../errors';
import { MAX_DEPTH } from '../json';
import type { Row } from '../members';
import { MAX_LINE_BYTES } from '../row';
import { readStoredLine } from '../storedLine';
import type { BundleFindings } from './finding';
import { readPlainLine } from './lineForm';

/**
 * @returns the rows that the lines are, in their order; none for a line that is no sound row
 */
export function readEvents(events: readonly string[], findings: BundleFindings): (Row | undefined)[] {
  let last = 0;
  return events.map((line, i) => {
    const row = regularRow(line) ?? readEvent(line, i, findings);
    if (row === undefined) return undefined;
    const { seq } = row;
    if (seq === last) findings.add('REPLAY', 'every row once', 'the same row twice', seq);
    if (seq < last) findings.add('MALFORMED', `rows in the order of their seqs, after row ${last}`, `row ${seq}`, seq);
    last = seq;
    return row;
  });
}

function readEvent(line: string, i: number, findings: BundleFindings): Row | undefined {
  // Nested deeper than the engine goes, it is no row either.
  const stored = line.includes('\n') ? undefined : orNothing(() => readStoredLine(Buffer.from(line), { strict: true }));
  switch (stored?.kind) {
    case 'row':
      for (const { code, want, got } of stored.faults) findings.add(code, want, got, stored.row.seq);
      // What is read behind this relies on the form.
      return stored.faults.length === 0 ? stored.row : undefined;
    case 'altered':
      findings.add(stored.fault.code, stored.fault.want, stored.fault.got, stored.seq ?? null);
      return undefined;
    case 'tombstone':
    case 'torn':
    case 'foreign':
    case undefined:
      findings.add('MALFORMED', `a row as event ${i + 1}`, line.slice(0, 80));
      return undefined;
  }
}

/** A row that is one beyond doubt; undefined where the exact way must say what it is, and what is wrong with it. */
export function regularRow(line: string): Row | undefined {
  // No character takes more than three bytes.
  if (line.length > MAX_LINE_BYTES / 3 && Buffer.byteLength(line) > MAX_LINE_BYTES) return undefined;
  const plain = readPlainLine(line);
  if (plain === undefined || sha256Hex(`${line.slice(0, -HASH_SUFFIX_BYTES)}}`) !== plain.hash) return undefined;
  const { row } = plain;
  return isContent(row) ? row : undefined;
}

function isContent({ payload, content_hash: digest }: Row): boolean {
  if (payload === undefined) return digest === undefined;
  const canonical = sorted(payload, 1);
  return canonical !== undefined && sha256Hex(JSON.stringify(canonical)) === digest;
}

/** Members in canonical order; undefined for names that the engine would order otherwise, and for what is nested too deep. */
function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) {
    const inner = sorted((value as Record<string, unknown>)[name], depth + 1);
    if (inner === undefined || /^(?:[0-9]|__proto__$)/.test(name)) return undefined;
    members[name] = inner;
  }
  return members;
}
