/**
 * What was done in a window, apart from what it cost: counts, and the rows that a person has to look at. Lists are bounded;
 * a count says how many there were.
 */
import { SEALED_TEXT, sealIn } from './seal';
import { REFUSED, OVERRIDE, THRESHOLD } from './spendActions';

type Line = Readonly<Record<string, unknown>>;

/** A row that is named in a report. */
export interface NamedRow {
  readonly seq: number;
  readonly time: string;
  readonly agent: string;
  readonly action: string;
  readonly text: string;
}

/** The newest of them, and how many there were. */
export interface NamedRows {
  readonly count: number;
  readonly newest: readonly NamedRow[];
}

export interface CountedValue {
  readonly value: string;
  readonly rows: number;
}

export interface Activity {
  readonly rows: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly actions: readonly CountedValue[];
  readonly outcomes: readonly CountedValue[];
  readonly runs_started: number;
  readonly runs_completed: number;
  /** Rows whose outcome says that something went wrong. */
  readonly failures: NamedRows;
  readonly refused: NamedRows;
  readonly overrides: NamedRows;
  readonly thresholds: NamedRows;
  /** The ledger's own: heals, gaps, lost rows. */
  readonly ledger: NamedRows;
}

const MAX_NAMED = 20;
const MAX_VALUES = 15;
/** More are counted under one name. */
const MAX_DISTINCT = 10_000;
const OTHERS = '(others)';
/** How an outcome begins that is not one. */
export const BAD_OUTCOME = /^(fail|error|den|refus|reject|abort|timeout)/i;
const UNREMARKABLE: ReadonlySet<unknown> = new Set(['audit.genesis', 'audit.segment']);

export class ActivityTally {
  #rows = 0;
  #firstSeq: number | null = null;
  #lastSeq: number | null = null;
  #started = 0;
  #completed = 0;
  readonly #actions = new Counter();
  readonly #outcomes = new Counter();
  readonly #failures = new Newest();
  readonly #refused = new Newest();
  readonly #overrides = new Newest();
  readonly #thresholds = new Newest();
  readonly #ledger = new Newest();

  add(line: Line): void {
    const { action, outcome, seq } = line;
    const name = textOf(action);
    this.#firstSeq ??= typeof seq === 'number' ? seq : null;
    if (typeof seq === 'number') this.#lastSeq = seq;
    if (name.startsWith('audit.')) {
      if (!UNREMARKABLE.has(action)) this.#ledger.add(line, payloadText(line));
      return;
    }
    this.#rows++;
    this.#actions.add(name);
    if (outcome !== undefined) this.#outcomes.add(textOf(outcome));
    if (action === 'run_started') this.#started++;
    if (action === 'run_completed') this.#completed++;
    if (action === REFUSED) this.#refused.add(line, payloadText(line));
    else if (typeof outcome === 'string' && BAD_OUTCOME.test(outcome)) this.#failures.add(line, failureText(line));
    if (action === OVERRIDE) this.#overrides.add(line, [textOf(line['reason']), payloadText(line)].join(' '));
    if (action === THRESHOLD) this.#thresholds.add(line, payloadText(line));
  }

  result(): Activity {
    return {
      rows: this.#rows,
      first_seq: this.#firstSeq,
      last_seq: this.#lastSeq,
      actions: this.#actions.most(),
      outcomes: this.#outcomes.most(),
      runs_started: this.#started,
      runs_completed: this.#completed,
      failures: this.#failures.result(),
      refused: this.#refused.result(),
      overrides: this.#overrides.result(),
      thresholds: this.#thresholds.result(),
      ledger: this.#ledger.result(),
    };
  }
}

class Counter {
  readonly #rows = new Map<string, number>();

  add(value: string): void {
    const name = this.#rows.has(value) || this.#rows.size < MAX_DISTINCT ? value : OTHERS;
    this.#rows.set(name, (this.#rows.get(name) ?? 0) + 1);
  }

  most(): CountedValue[] {
    const sorted = [...this.#rows].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const rest = sorted.slice(MAX_VALUES).reduce((sum, [, rows]) => sum + rows, 0);
    const shown = sorted.slice(0, MAX_VALUES).map(([value, rows]) => ({ value, rows }));
    return rest === 0 ? shown : [...shown, { value: OTHERS, rows: rest }];
  }
}

class Newest {
  #count = 0;
  #rows: NamedRow[] = [];

  add({ seq, ts, occurred_at: occurredAt, agent, action }: Line, text: string): void {
    this.#count++;
    this.#rows.push({
      seq: typeof seq === 'number' ? seq : 0,
      time: textOf(occurredAt ?? ts),
      agent: textOf(agent),
      action: textOf(action),
      text,
    });
    if (this.#rows.length >= 2 * MAX_NAMED) this.#rows = this.#rows.slice(-MAX_NAMED);
  }

  result(): NamedRows {
    return { count: this.#count, newest: this.#rows.slice(-MAX_NAMED) };
  }
}

function failureText({ outcome, target, reason }: Line): string {
  return [outcome, target, reason]
    .filter((part) => part !== undefined)
    .map(textOf)
    .join(' · ');
}

/** What a row of the ledger's own says, without what only proves it. */
function payloadText({ payload }: Line): string {
  if (typeof payload !== 'object' || payload === null) return '';
  return Object.entries(payload)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (sealIn(value) !== undefined) return SEALED_TEXT;
  return value === undefined ? '' : JSON.stringify(value);
}
