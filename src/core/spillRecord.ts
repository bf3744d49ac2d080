/**
 * One row that could not be chained yet, as it waits in a spill file. A record is one line between two newlines, so a
 * torn record before it cannot swallow it; blank lines mean nothing. `sum` is the SHA-256 of the row member's bytes.
 *
 *   {"spill":1,"id":"01J…","ledger_id":"01J…","spilled_at":"2026-…","why":"LOCK_TIMEOUT","after":{"seq":9,"hash":"…"},"row":{…},"sum":"…"}
 */
import { sha256Hex, HEX64 } from './digest';
import { isUlid } from './ids';
import { MAX_DEPTH, storedString } from './json';
import { parseJson } from './parseJson';
import type { Json, JsonObject } from './json';
import type { CheckedRow } from './row';

/** What the row begins with in a record; the strings before it have no raw quotes. */
const ROW_START = ',"row":{';
/** `,"sum":"<64 hex>"}` */
const SUM_CHARS = 74;

/** Where the ledger stood when the row failed; seq 0 where that was not known. */
export interface SpilledAfter {
  readonly seq: number;
  readonly hash: string;
}

export interface SpillRecord {
  readonly id: string;
  /** Null where the ledger was not there to be asked. */
  readonly ledgerId: string | null;
  readonly spilledAt: string;
  readonly why: string;
  readonly after: SpilledAfter;
  /** The caller's members, to be checked again when they are chained. */
  readonly row: JsonObject;
}

/** Whether a row can stand inside the payload of another row without making its line too deep. */
export function fitsInPayload(row: JsonObject): boolean {
  return !isDeeper(row, MAX_DEPTH - 2);
}

function isDeeper(value: Json, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (levels === 0) return true;
  return [...value.values()].some((item) => isDeeper(item, levels - 1));
}

export function formatSpillRecord(record: Omit<SpillRecord, 'row'>, row: CheckedRow): string {
  const text = `{${row.members}}`;
  const { id, ledgerId, spilledAt, why, after } = record;
  const ledger = ledgerId === null ? 'null' : storedString(ledgerId);
  const head = `{"spill":1,"id":"${id}","ledger_id":${ledger},"spilled_at":"${spilledAt}","why":${storedString(why)}`;
  return `\n${head},"after":{"seq":${after.seq},"hash":"${after.hash}"},"row":${text},"sum":"${sha256Hex(text)}"}\n`;
}

/** The record in a line, or undefined where it is torn or impossible. The inverse of `formatSpillRecord`. */
export function parseSpillRecord(line: Buffer): SpillRecord | undefined {
  let text: string;
  let record: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
    // The row inside may be as deep as any.
    record = parseJson(text, MAX_DEPTH + 1);
  } catch {
    return undefined;
  }
  if (!(record instanceof Map) || record.get('spill') !== 1) return undefined;
  const members = record as JsonObject;
  const [id, ledgerId, spilledAt, why] = ['id', 'ledger_id', 'spilled_at', 'why'].map((name) => members.get(name));
  const after = members.get('after');
  const row = members.get('row');
  if (typeof id !== 'string' || !isUlid(id) || typeof spilledAt !== 'string' || typeof why !== 'string')
    return undefined;
  if (!(after instanceof Map) || !(row instanceof Map) || (typeof ledgerId !== 'string' && ledgerId !== null))
    return undefined;
  const [seq, hash] = [after.get('seq'), after.get('hash')];
  if (typeof seq !== 'number' || typeof hash !== 'string' || !HEX64.test(hash)) return undefined;
  // The bytes themselves, not the row spelled again: a cost is written 0.0000001 where JSON numbers have 1e-7.
  // White space behind the record changes no row: changed line ends must not cost one.
  const sum = sha256Hex(text.trimEnd().slice(text.indexOf(ROW_START) + ROW_START.length - 1, -SUM_CHARS));
  if (members.get('sum') !== sum) return undefined;
  return { id, ledgerId, spilledAt, why, after: { seq, hash }, row };
}
