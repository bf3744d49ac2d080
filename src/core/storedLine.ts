/**
 * Reading one line exactly: what is it, and what is wrong with it on its own, without its neighbours? The slow and exact
 * twin of `chunk.ts`: a chunk that is not regular throughout is read again line by line through here.
 */
import { isUtf8 } from 'node:buffer';
import { payloadSha256 } from './canonicalBytes';
import { declaredLinks, hashOfLine } from './chain';
import { HEX64 } from './digest';
import { LedgerError } from './errors';
import { isUlid } from './ids';
import { MAX_DEPTH } from './json';
import { newLineFacts, PAYLOAD, scanLine } from './lineScan';
import type { Row } from './members';
import { jsonText } from './printable';
import { MAX_LINE_BYTES } from './row';
import { completeObject, memberFault, missingRows, seqOf, shownValue, whiteSpaceAround } from './rowText';
import { strictFault } from './strictForm';
import type { FindingCode } from './verdict';

/** What is wrong with a line on its own. */
export interface Fault {
  readonly code: FindingCode;
  readonly want: string;
  readonly got: string;
}

/** A whole line, by the place in the chain that it says it has. */
export interface LinkedLine {
  readonly seq: number;
  readonly lastSeq: number;
  readonly prevHash: string;
}

export type StoredLine =
  /** Not a complete JSON object, or not a complete line. `rows`: how many rows seem to have begun in it. */
  | { readonly kind: 'torn'; readonly rows: number; readonly lacksNewline?: LinkedLine }
  /** A JSON object that has nothing of a row. */
  | { readonly kind: 'foreign' }
  /** A row whose hash is not the hash of its bytes, or that lacks what a row must have. */
  | {
      readonly kind: 'altered';
      readonly seq: number | undefined;
      readonly prevHash: string | undefined;
      readonly fault: Fault;
      readonly row: Partial<Row>;
    }
  | {
      readonly kind: 'tombstone';
      readonly seq: number;
      readonly lastSeq: number;
      readonly healId: string | undefined;
      readonly bytesSha256: string | undefined;
      readonly prevHash: string;
      readonly hash: string;
    }
  /** A row whose hash is right; it may still have faults. */
  | { readonly kind: 'row'; readonly row: Row; readonly faults: readonly Fault[] };

const ROW_START = Buffer.from('{"seq":');
const ROW_MARKS = ['seq', 'nonce', 'prev_hash', 'hash', 'run_prev_hash', 'content_hash'];
const STREAM_PLACES = [
  ['run_id', 'run_seq', 'run_prev_hash'],
  ['decision_id', 'decision_seq', 'decision_prev_hash'],
] as const;
const STREAM_MEMBERS = STREAM_PLACES.flatMap(([, seq, prevHash]) => [seq, prevHash]);
const facts = newLineFacts({ stepsOverHashes: false });

/** @param line the bytes of one line without its newline */
export function readStoredLine(line: Buffer, options: { readonly strict: boolean }): StoredLine {
  const value = completeObject(line);
  if (value === undefined) return { kind: 'torn', rows: rowStarts(line) };
  const around = whiteSpaceAround(line);
  const links = declaredLinks(line);
  if (links === undefined || around !== undefined) {
    if (ROW_MARKS.filter((name) => name in value).length < 2) return { kind: 'foreign' };
    if (around !== undefined) return altered(value, malformed('a row with nothing around it', around));
    const end = line.toString('latin1', Math.max(0, line.length - 154));
    return altered(value, { code: 'CONTENT_ALTERED', want: 'the end ,"prev_hash":"…","hash":"…"}', got: end });
  }
  if (value['action'] === 'audit.tombstone') return tombstone(value, links);
  const hash = hashOfLine(line);
  if (hash !== links.hash)
    return altered(value, { code: 'CONTENT_ALTERED', want: `hash ${links.hash}`, got: `hash ${hash}` });
  const fault = memberFault(value);
  if (fault !== undefined) return altered(value, malformed(fault.want, fault.got));
  const row = value as unknown as Row;
  return { kind: 'row', row, faults: [...faultsOf(line, row, options)] };
}

function rowStarts(line: Buffer): number {
  let rows = 0;
  for (let at = line.indexOf(ROW_START); at >= 0; at = line.indexOf(ROW_START, at + 1)) rows++;
  return rows;
}

function altered(value: Record<string, unknown>, fault: Fault): StoredLine {
  const prevHash = textOf(value['prev_hash']);
  return { kind: 'altered', seq: seqOf(value['seq']), prevHash, fault, row: value };
}

function tombstone(
  value: Record<string, unknown>,
  links: { readonly prevHash: string; readonly hash: string },
): StoredLine {
  const gap = missingRows(value);
  if (gap === undefined)
    return altered(value, malformed('the seq of the rows that are missing', jsonText(value['seq'])));
  const healId = textOf(value['heal_id']);
  const bytesSha256 = textOf(value['bytes_sha256']);
  return {
    kind: 'tombstone',
    ...gap,
    healId: healId !== undefined && isUlid(healId) ? healId : undefined,
    bytesSha256: bytesSha256 !== undefined && HEX64.test(bytesSha256) ? bytesSha256 : undefined,
    ...links,
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const malformed = (want: string, got: string): Fault => ({ code: 'MALFORMED', want, got });

function* faultsOf(line: Buffer, row: Row, options: { readonly strict: boolean }): Generator<Fault> {
  if (line.length > MAX_LINE_BYTES) yield malformed(`at most ${MAX_LINE_BYTES} bytes`, `${line.length} bytes`);
  if (!isUtf8(line)) yield malformed('valid UTF-8', 'bytes that are not');
  const end = scanLine(line, 0, facts);
  if (end < 0) yield malformed(`at most ${MAX_DEPTH} levels of nesting`, 'more');
  else if (facts.ambiguous) yield malformed('every member once, its name spelled plainly', 'another spelling');
  else yield* contentFaults(line, row);
  yield* membershipFaults(row);
  const isSigned = row['signature'] !== undefined;
  const strict = options.strict || isSigned ? strictFault(line.toString('utf8')) : undefined;
  if (strict === undefined) return;
  if (options.strict) yield { code: 'MALFORMED', ...strict };
  // Spelled otherwise, another reader may read another row than the one that was signed.
  if (isSigned) yield { code: 'SIGNATURE_INVALID', ...strict };
}

function* contentFaults(line: Buffer, row: Row): Generator<Fault> {
  if (row.payload === undefined) {
    if (row.content_hash !== undefined)
      yield { code: 'CONTENT_ALTERED', want: 'a payload for the content_hash', got: 'none' };
    return;
  }
  if (line[facts.from[PAYLOAD] as number] !== 0x7b) {
    yield malformed('a payload that is an object', shownValue(row.payload));
    return;
  }
  const want = `content_hash ${row.content_hash ?? '(none stored)'}`;
  const payload = { from: facts.from[PAYLOAD] as number, to: facts.to[PAYLOAD] as number, form: facts.form };
  try {
    const got = payloadSha256(line, payload);
    if (got !== row.content_hash) yield { code: 'CONTENT_ALTERED', want, got: `content_hash ${got}` };
  } catch (error) {
    const why = error instanceof LedgerError ? error.message : 'bytes that are not UTF-8';
    yield { code: 'CONTENT_ALTERED', want, got: `a payload without a canonical form: ${why}` };
  }
}

/** Whether the row says of each stream either nothing or everything. `audit.*` rows are in none. */
function* membershipFaults(row: Row): Generator<Fault> {
  if (row.action.startsWith('audit.')) {
    const placed = STREAM_MEMBERS.find((name) => row[name] !== undefined);
    if (placed !== undefined) yield { code: 'STREAM_BROKEN', want: 'no stream place for an audit.* row', got: placed };
    return;
  }
  for (const place of STREAM_PLACES) {
    const [id, seq, prevHash] = [row[place[0]], row[place[1]], row[place[2]]];
    if (id === undefined && seq === undefined && prevHash === undefined) continue;
    if (typeof id === 'string' && seqOf(seq) !== undefined && typeof prevHash === 'string') continue;
    const got = place.map((name) => `${name} ${shownValue(row[name])}`).join(', ');
    yield { code: 'STREAM_BROKEN', want: `${place[0]}, ${place[1]} and ${place[2]} together`, got };
  }
}
