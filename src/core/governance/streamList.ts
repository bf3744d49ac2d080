/** Runs and decisions, a line each: where it stands, what it cost, how long it is, what was found. */
import { isAccessRow } from '../accessActions';
import type { Row } from '../members';
import { formatNanos } from '../money';
import { DecisionAudit } from './decision';
import type { GovernanceCode, StreamName } from './finding';
import { textOf } from './finding';
import { spendNanos } from './orderProof';
import { RunAudit } from './run';
import { happenedMs } from './stream';
import { actorOf, ACTORS, valueText } from './words';

export interface StreamLine {
  readonly id: string;
  /** Of a run: open, closed, or "none" where no row says that it began. Of a decision: as its state machine has it. */
  readonly state: string;
  readonly rows: number;
  readonly cost_usd: string;
  readonly first_at: string;
  readonly last_at: string;
  readonly duration_ms: number;
  /** Who began it, as the first row that names somebody says. */
  readonly by: string | null;
  /** Of a decision: what is to be done; of a run: its workflow, or what it was started on. */
  readonly what: string | null;
  /** Of a decision its last enforcement, of a run how it ended. */
  readonly outcome: string | null;
  readonly risk_band: string | null;
  /** Whoever acted in it, and in which roles. */
  readonly actors: readonly string[];
  readonly roles: readonly string[];
  readonly findings: readonly GovernanceCode[];
}

export interface StreamFilter {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly state?: string | undefined;
  readonly outcome?: string | undefined;
  readonly riskBand?: string | undefined;
  readonly actor?: string | undefined;
  readonly role?: string | undefined;
  /** The class of action of a decision, the workflow of a run. */
  readonly what?: string | undefined;
}

const MAX_NAMES = 20;

class Listed {
  readonly audit: DecisionAudit | RunAudit;
  #rows = 0;
  #nanos = 0n;
  #firstMs = Infinity;
  #lastMs = -Infinity;
  #by: string | undefined;
  #what: string | undefined;
  #outcome: string | undefined;
  #band: string | undefined;
  #actors: Set<string> | undefined;
  #roles: Set<string> | undefined;

  constructor({ kind, id }: StreamName, counts: (row: Row) => boolean) {
    this.audit = kind === 'decision' ? new DecisionAudit(id, counts) : new RunAudit(id, counts);
  }

  step(row: Row): void {
    this.audit.step(row);
    this.#rows++;
    const ms = happenedMs(row);
    this.#firstMs = Math.min(this.#firstMs, ms);
    this.#lastMs = Math.max(this.#lastMs, ms);
    this.#nanos += spendNanos(row);
    this.#by ??= actorOf(row);
    this.#noteWhat(row);
    for (const name of ACTORS) this.#actors = noted(this.#actors, textOf(row, name));
    this.#roles = noted(this.#roles, textOf(row, 'role'));
  }

  #noteWhat(row: Row): void {
    switch (row.action) {
      case 'decision.created':
        this.#what ??= typeof row.payload?.['action'] === 'string' ? row.payload['action'] : undefined;
        return;
      case 'run.invocation':
        this.#what = textOf(row, 'workflow');
        return;
      case 'run_started':
        this.#what ??= valueText(row.target) || undefined;
        return;
      case 'risk.scored':
        this.#band = textOf(row, 'band');
        return;
      case 'enforcement.result':
        this.#outcome = textOf(row, 'result');
        return;
      case 'run_completed':
        if (this.audit instanceof RunAudit) this.#outcome = valueText(row.outcome) || undefined;
        return;
      case 'surface.delivery':
        if (this.audit instanceof RunAudit) this.#outcome ??= textOf(row, 'outcome');
    }
  }

  line(): StreamLine {
    const { audit } = this;
    if (audit instanceof RunAudit) audit.end();
    const [firstMs, lastMs] = [this.#firstMs, this.#lastMs];
    return {
      id: audit.id,
      state: audit.state,
      rows: this.#rows,
      cost_usd: formatNanos(this.#nanos),
      first_at: new Date(firstMs).toISOString(),
      last_at: new Date(lastMs).toISOString(),
      duration_ms: lastMs - firstMs,
      by: this.#by ?? null,
      what: this.#what ?? null,
      outcome: this.#outcome ?? null,
      risk_band: this.#band ?? null,
      actors: [...(this.#actors ?? [])],
      roles: [...(this.#roles ?? [])],
      findings: [...new Set(audit.findings.map(({ code }) => code))],
    };
  }
}

export class StreamList {
  readonly #streams = new Map<string, Listed>();

  /** @param counts whether what a row says counts: an approval whose signature is wrong does not */
  constructor(
    private readonly kind: StreamName['kind'],
    private readonly counts: (row: Row) => boolean = () => true,
  ) {}

  step(row: Row): void {
    const id: unknown = this.kind === 'run' ? row.run_id : row.decision_id;
    if (typeof id !== 'string' || row.action.startsWith('audit.') || isAccessRow(row)) return;
    const known = this.#streams.get(id) ?? new Listed({ kind: this.kind, id }, this.counts);
    this.#streams.set(id, known);
    known.step(row);
  }

  /** In the order in which they began. */
  lines(filter: StreamFilter): StreamLine[] {
    const all: StreamLine[] = [];
    for (const listed of this.#streams.values()) {
      const line = listed.line();
      if (isWanted(line, filter)) all.push(line);
    }
    return all;
  }
}

/** A stream is in a window where any of it lies in it. */
function isWanted(line: StreamLine, filter: StreamFilter): boolean {
  const { sinceMs, untilMs, state, outcome, riskBand, actor, role, what } = filter;
  if (Date.parse(line.last_at) < sinceMs || Date.parse(line.first_at) >= untilMs) return false;
  const is = (wanted: string | undefined, found: string | null): boolean => wanted === undefined || wanted === found;
  const has = (wanted: string | undefined, found: readonly string[]): boolean => wanted === undefined || found.includes(wanted); // prettier-ignore
  return (
    is(state, line.state) &&
    is(outcome, line.outcome) &&
    is(riskBand, line.risk_band) &&
    is(what, line.what) &&
    has(actor, line.actors) &&
    has(role, line.roles)
  );
}

function noted(names: Set<string> | undefined, name: string | undefined): Set<string> | undefined {
  if (name === undefined || (names?.size ?? 0) >= MAX_NAMES) return names;
  return (names ?? new Set<string>()).add(name);
}
