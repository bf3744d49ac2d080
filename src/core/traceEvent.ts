/**
 * An event of a trace as a line that can be imported, the way back of export/traceShape.ts:
 *
 *   {"id":"e1","runId":"r1","timestamp":"2026-06-03T08:00:00Z","type":"tool_executed","payload":{"tool":"refund"},"contentHash":"…"}
 *     → run_id r1, occurred_at 2026-06-03T08:00:00.000Z, action tool_executed, payload {"tool":"refund"},
 *       imported_from {"id":"e1","contentHash":"…"}
 *
 * Every other member goes the way of any imported line; what this program wrote into `more` is a member of the row again.
 * An event whose payload is not the one that its contentHash is of is refused.
 */
import { HEX64, sha256Hex } from './digest';
import { LedgerError } from './errors';
import type { Foreign } from './importRow';
import { canonicalJson } from './json';
import type { Json, JsonObject } from './json';

/** The members of an event that are members of a row under another name. */
const MEMBER_OF: ReadonlyMap<string, string> = new Map([
  ['runId', 'run_id'],
  ['turnId', 'turn_id'],
  ['timestamp', 'occurred_at'],
  ['type', 'action'],
]);
const NAMES: ReadonlyMap<string, string> = new Map([...MEMBER_OF].map(([event, row]) => [row, event]));
const OF_THE_TRACE: ReadonlySet<string> = new Set(['contentHash', 'parentHash']);

/** A line that says how a trace event is made, and not how a row is. */
export function isTraceEvent(line: Json): line is JsonObject {
  return (
    line instanceof Map &&
    !line.has('action') &&
    ['runId', 'type', 'timestamp'].every((name) => typeof line.get(name) === 'string') &&
    line.get('payload') instanceof Map
  );
}

export interface TraceRow {
  /** Members as an imported line has them. */
  readonly line: JsonObject;
  readonly foreign: Foreign;
}

export function traceRow(event: JsonObject): TraceRow {
  const line: JsonObject = new Map();
  const members: JsonObject = new Map();
  for (const [name, value] of event) {
    const own = MEMBER_OF.get(name);
    if (own !== undefined) line.set(own, value);
    else if (OF_THE_TRACE.has(name) || NAMES.has(name)) members.set(name, value);
    else line.set(name, value);
  }
  unfold(line);
  return { line, foreign: { members, names: NAMES } };
}

/** The members that this program put into `more`, unless one of them is there already. */
function unfold(line: JsonObject): void {
  const more = line.get('more');
  if (!(more instanceof Map) || [...more.keys()].some((name) => name !== 'more' && line.has(name))) return;
  line.delete('more');
  for (const [name, value] of more) line.set(name, value);
}

/** What is wrong with the events of a file, one after the other. */
export class TraceCheck {
  readonly counts = { events: 0, without_content_hash: 0, unlinked: 0 };
  /** What the next event of each run may name as its parent: 52 bits of each digest tell them apart. */
  readonly #parents = new Map<string, readonly number[]>();

  /** @throws LedgerError CONTENT_ALTERED */
  step(event: JsonObject): void {
    this.counts.events++;
    if (!this.#isLinked(event)) this.counts.unlinked++;
    const said = event.get('contentHash');
    if (said === undefined) this.counts.without_content_hash++;
    else if (hashIn(said) !== sha256Hex(canonicalJson(event.get('payload') ?? null)))
      throw new LedgerError('CONTENT_ALTERED', 'expected the payload that contentHash is of, found another one', {
        place: { member: 'contentHash' },
      });
  }

  /**
   * Whether it names the event before it in its run; the first one none. An event's hash is what it says (`hash`), else
   * that of its canonical form, or its contentHash: who wrote it may have meant either.
   */
  #isLinked(event: JsonObject): boolean {
    const run = event.get('runId') as string;
    const before = this.#parents.get(run);
    const parent = event.get('parentHash');
    const own = hashIn(event.get('hash'));
    const hashes = own === undefined ? [sha256Hex(canonicalJson(event)), hashIn(event.get('contentHash'))] : [own];
    this.#parents.set(run, hashes.flatMap((hash) => (hash === undefined ? [] : [shortened(hash)]))); // prettier-ignore
    if (before === undefined || parent === undefined) return before === undefined && parent === undefined;
    const named = hashIn(parent);
    return named !== undefined && before.includes(shortened(named));
  }
}

/** `SHA256:AB…` and `ab…` are one hash. */
function hashIn(value: Json | undefined): string | undefined {
  const hex = typeof value === 'string' ? value.toLowerCase().replace(/^sha256:/, '') : '';
  return HEX64.test(hex) ? hex : undefined;
}

function shortened(hash: string): number {
  return parseInt(hash.slice(0, 13), 16);
}
