/**
 * A row without its content: what is left of it for those who may know that it is there and not what was put into it.
 *
 *   {"summary":true,"seq":41,…,"action":"tool.used","outcome":"failure",…,"content_hash":"41…","hash":"9f…",
 *    "left_out":{"payload":{"members":3,"bytes":412},"members":1}}
 *
 * The members that the format names stay, as they are and in their order. The payload goes, and so does every member of a
 * caller's own, which may hold anything. The nonce and a signature go with them: with the nonce the row's hash confirms a
 * guess of what is gone, and so does a signature. A stored line begins with its seq: nobody takes a summary for one.
 */
import { CALLER_MEMBER_NAMES, LEDGER_MEMBERS } from './members';
import { shownMembers } from './storedRow';

/** What was left out of a row. */
export interface LeftOut {
  readonly payload?: Measure;
  /** How many others. */
  readonly members?: number;
}

export interface Measure {
  readonly members: number;
  readonly bytes: number;
}

/** A webhook's key is made of its payload. */
const CONTENT: readonly string[] = ['payload', 'idempotency_key', 'nonce', 'signature', 'sealed', 'imported_from'];
/** Of a named gap: it holds nothing of the row that was there. */
const OF_GAPS: readonly string[] = ['last_seq', 'heal_id', 'bytes_sha256'];

/** The members that a summary shows. */
export const SUMMARY_MEMBERS: ReadonlySet<string> = new Set(
  [...CALLER_MEMBER_NAMES, ...LEDGER_MEMBERS, ...OF_GAPS].filter((name) => !CONTENT.includes(name)),
);

/** What stands for a row, or for any other line that is a JSON object. */
export function summaryOf(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(row).filter((name) => name !== 'nonce');
  const isShown = (name: string): boolean => SUMMARY_MEMBERS.has(name) && isPlain(row[name]);
  const others = names.filter((name) => name !== 'payload' && !isShown(name)).length;
  const leftOut: LeftOut = {
    ...('payload' in row && { payload: measureOf(row['payload']) }),
    ...(others > 0 && { members: others }),
  };
  return {
    summary: true,
    ...Object.fromEntries(names.filter(isShown).map((name) => [name, row[name]])),
    ...(Object.keys(leftOut).length > 0 && { left_out: leftOut }),
  };
}

/** The same as a line without its newline. */
export function summaryLine(line: Buffer): Buffer {
  return Buffer.from(JSON.stringify(summaryOf(shownMembers(line))));
}

/** How much there is of a value. */
export function measureOf(value: unknown): Measure {
  const isObject = typeof value === 'object' && value !== null;
  return { members: isObject ? Object.keys(value).length : 0, bytes: Buffer.byteLength(JSON.stringify(value)) };
}

/** A member that should be a text or a number may, in a line that somebody made by hand, hold an object with anything in it. */
function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}
