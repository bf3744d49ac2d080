/**
 * What metrics say of runs: how many began, which of them have no end, and how long people took who were asked in one. A run
 * of a trail, or of an order, ends with what was delivered; one that a program began ends when that says so.
 */
import type { Row } from '../members';
import { textOf } from './finding';
import type { Metrics } from './metricsReport';
import { happenedMs } from './stream';

const MAX_NAMED = 20;
const MAX_ASKED = 100_000;

interface OpenRun {
  readonly seq: number;
  /** Begun by `run_started`: then only `run_completed` ends it. */
  byProgram: boolean;
}

export class RunFigures {
  readonly #open = new Map<string, OpenRun>();
  readonly #askedMs = new Map<string, number>();
  #started = 0;

  /** @param count calls back where the row is in the window */
  constructor(private readonly count: (row: Row, then: (day: { runs: number }) => void) => void) {}

  /** Of those who were asked in a run, how many have not answered by now. */
  get waiting(): number {
    return this.#askedMs.size;
  }

  /** @returns in ms, how long the one took whose answer this row is */
  step(row: Row, id: string): number | undefined {
    switch (row.action) {
      case 'run_started':
      case 'run.invocation':
      case 'proof.run':
        this.#begin(row, id);
        return undefined;
      case 'run_completed':
        this.#open.delete(id);
        return undefined;
      case 'surface.delivery':
        if (textOf(row, 'outcome') === 'delivered') this.#end(id);
        return undefined;
      case 'proof.run_event':
        if (ENDED.has(textOf(row, 'state') ?? '')) this.#end(id);
        return undefined;
      case 'draft.production':
        return this.#ask(row, draftOf(id, textOf(row, 'draft_id')));
      case 'approval_requested':
        return this.#ask(row, `${id} call ${callOf(row)}`);
      case 'approval':
        return this.#answer(row, draftOf(id, textOf(row, 'draft_id')));
      case 'approval_resolved': {
        const tookMs = this.#answer(row, `${id} call ${callOf(row)}`);
        return NO.has(row.outcome ?? '') ? undefined : tookMs;
      }
      case 'reviewer.action':
        // Its target is a draft and a version: `d4f1 v1`.
        if (textOf(row, 'type') === 'reject') this.#answer(row, draftOf(id, textOf(row, 'target')?.split(' ')[0]));
        return undefined;
      default:
        return undefined;
    }
  }

  result(): Pick<Metrics, 'runs_started' | 'runs_incomplete'> {
    const open = [...this.#open].sort(([, a], [, b]) => b.seq - a.seq).map(([id]) => id);
    return { runs_started: this.#started, runs_incomplete: { count: open.length, newest: open.slice(0, MAX_NAMED) } };
  }

  #begin(row: Row, id: string): void {
    const byProgram = row.action === 'run_started';
    const known = this.#open.get(id);
    if (known !== undefined) {
      known.byProgram ||= byProgram;
      return;
    }
    this.count(row, (day) => {
      this.#started++;
      day.runs++;
      this.#open.set(id, { seq: row.seq, byProgram });
    });
  }

  #end(id: string): void {
    if (this.#open.get(id)?.byProgram === false) this.#open.delete(id);
  }

  /** From the first time on: a draft of another version asks no anew. */
  #ask(row: Row, what: string): undefined {
    if (this.#askedMs.has(what) || this.#askedMs.size >= MAX_ASKED) return;
    this.#askedMs.set(what, happenedMs(row));
  }

  #answer(row: Row, what: string): number | undefined {
    const askedMs = this.#askedMs.get(what);
    if (askedMs === undefined) return undefined;
    this.#askedMs.delete(what);
    return Math.max(0, happenedMs(row) - askedMs);
  }
}

/** Of `approval_resolved`: an answer, and no approval. */
const NO: ReadonlySet<string> = new Set(['denied', 'rejected', 'refused', 'deny', 'reject']);
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

function draftOf(id: string, draft = ''): string {
  return `${id} draft ${draft}`;
}

function callOf(row: Row): string {
  return textOf(row, 'approval_id') ?? row.call_id ?? row.turn_id ?? '';
}

/** The actions whose rows it counts. */
export const RUN_FIGURE_ACTIONS = [
  'run_started',
  'run.invocation',
  'proof.run',
  'run_completed',
  'surface.delivery',
  'proof.run_event',
  'draft.production',
  'approval',
  'approval_requested',
  'approval_resolved',
  'reviewer.action',
] as const;
