/** Every decision and run of a ledger, held against the state machines as its rows go by. */
import { isAccessRow } from '../accessActions';
import type { Row } from '../members';
import { DecisionAudit } from './decision';
import type { GovernanceFinding } from './finding';
import { RunAudit } from './run';

export interface GovernanceReport {
  readonly decisions: number;
  readonly runs: number;
  readonly findings: readonly GovernanceFinding[];
  /** Rows of these streams that are not here: their numbers in the stream are left out. */
  readonly gone_rows: number;
}

export class Governance {
  /**
   * @param only one stream alone, where its rows stand in others too
   * @param counts whether what a row says counts: an approval whose signature is wrong does not
   */
  constructor(
    private readonly only: { readonly run?: string | undefined; readonly decision?: string | undefined } = {},
    private readonly counts: (row: Row) => boolean = () => true,
  ) {}

  #gone = 0;
  readonly #decisions = new Map<string, DecisionAudit>();
  readonly #runs = new Map<string, RunAudit>();

  step(row: Row): void {
    if (row.action.startsWith('audit.') || isAccessRow(row)) return;
    const { run, decision } = this.only;
    const isAll = run === undefined && decision === undefined;
    if (row.decision_id !== undefined && (isAll || row.decision_id === decision))
      this.#step(streamIn(this.#decisions, row.decision_id, (id) => new DecisionAudit(id, this.counts)), row, row.decision_seq); // prettier-ignore
    if (row.run_id !== undefined && (isAll || row.run_id === run))
      this.#step(
        streamIn(this.#runs, row.run_id, (id) => new RunAudit(id, this.counts)),
        row,
        row.run_seq,
      );
  }

  #step(audit: DecisionAudit | RunAudit, row: Row, place = audit.place + 1): void {
    this.#gone += Math.max(0, place - audit.place - 1);
    audit.place = Math.max(place, audit.place);
    audit.step(row);
  }

  /** What was found, in the order of the rows that show it. */
  end(): GovernanceReport {
    for (const run of this.#runs.values()) run.end();
    const all = [...this.#decisions.values(), ...this.#runs.values()].flatMap(({ findings }) => findings);
    const findings = all.sort((a, b) => (a.rows[0] ?? 0) - (b.rows[0] ?? 0));
    return { decisions: this.#decisions.size, runs: this.#runs.size, findings, gone_rows: this.#gone };
  }
}

function streamIn<T>(streams: Map<string, T>, id: string, begin: (id: string) => T): T {
  const known = streams.get(id) ?? begin(id);
  streams.set(id, known);
  return known;
}
