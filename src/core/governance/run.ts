/**
 * One run, row by row in the order of its stream: whether what began has ended, whether anything came after the end, and
 * whether what was delivered is what somebody had approved.
 */
import type { Row } from '../members';
import { textOf } from './finding';
import type { GovernanceCode, GovernanceFinding } from './finding';
import { PAIRS, RUN_MACHINE, stepOf } from './machine';
import type { RunState } from './machine';

/** A draft: its versions in the order in which they came to be, and the approvals of it. */
export interface Draft {
  readonly id: string;
  readonly versions: { readonly version: string; readonly row: Row }[];
  readonly approvals: Row[];
}

type Mark = Pick<Row, 'seq' | 'action'>;

const markOf = ({ seq, action }: Row): Mark => ({ seq, action });

export class RunAudit {
  state: RunState = RUN_MACHINE.start;
  readonly findings: GovernanceFinding[] = [];
  /** Of rows that are looked back to no more is kept than where they stand: a ledger may have a million runs. */
  #started: Mark | undefined;
  #completed: Mark | undefined;
  #open: Map<string, Mark[]> | undefined;
  #drafts: Map<string, Draft> | undefined;

  constructor(readonly id: string) {}

  get drafts(): readonly Draft[] {
    return [...(this.#drafts?.values() ?? [])];
  }

  step(row: Row): void {
    const { state, wrong } = stepOf(RUN_MACHINE, this.state, row.action);
    this.state = state;
    if (wrong === 'END_WITHOUT_START') this.#find(wrong, [row], 'run_completed came without run_started');
    else if (wrong !== undefined)
      this.#find(wrong, [row, this.#completed], `${row.action} came after the run had ended`);
    if (row.action === 'run_started') this.#started ??= markOf(row);
    if (row.action === 'run_completed' && wrong === undefined) this.#completed = markOf(row);
    this.#pair(row);
    this.#trail(row);
  }

  /** The stream ends here: what began and did not end. */
  end(): void {
    if (this.#started !== undefined && this.#completed === undefined)
      this.#find('START_WITHOUT_END', [this.#started], 'the run began and did not end');
    for (const rows of this.#open?.values() ?? [])
      for (const row of rows) this.#find('START_WITHOUT_END', [row], `${row.action} has no end`);
  }

  #pair(row: Row): void {
    for (const { start, end, by } of PAIRS) {
      if (row.action !== start && row.action !== end) continue;
      const key = `${start} ${by.map((name) => textOf(row, name)).find((text) => text !== undefined) ?? ''}`;
      this.#open ??= new Map();
      const open = this.#open.get(key) ?? [];
      if (row.action === start) this.#open.set(key, [...open, markOf(row)]);
      else if (open.length > 0) this.#open.set(key, open.slice(1));
      else this.#find('END_WITHOUT_START', [row], `${end} came without ${start}`);
    }
  }

  #trail(row: Row): void {
    switch (row.action) {
      case 'draft.production':
        this.#noteVersion(row, textOf(row, 'draft_id'), textOf(row, 'version'));
        return;
      case 'reviewer.action':
        this.#noteVersion(row, textOf(row, 'draft_id') ?? this.drafts.at(-1)?.id, textOf(row, 'resulting_version'));
        return;
      case 'approval':
        this.#approve(row);
        return;
      case 'surface.delivery':
        if (textOf(row, 'outcome') !== 'failed') this.#deliver(row);
    }
  }

  #draft(id: string): Draft {
    this.#drafts ??= new Map();
    const draft = this.#drafts.get(id) ?? { id, versions: [], approvals: [] };
    this.#drafts.set(id, draft);
    return draft;
  }

  #noteVersion(row: Row, id: string | undefined, version: string | undefined): void {
    if (id !== undefined && version !== undefined) this.#draft(id).versions.push({ version, row });
  }

  #approve(row: Row): void {
    const [id = '', version] = [textOf(row, 'draft_id'), textOf(row, 'version')];
    const draft = this.#draft(id);
    if (!draft.versions.some((one) => one.version === version))
      this.#find(
        'APPROVED_UNKNOWN_VERSION',
        [row],
        `${id} v${version} was approved, and no row says that there is one`,
      );
    draft.approvals.push(row);
  }

  /** What is delivered is the last version, unless the row says which. */
  #deliver(row: Row): void {
    const given = textOf(row, 'draft_id');
    const draft = given === undefined ? this.drafts.at(-1) : this.#drafts?.get(given);
    const approval = draft?.approvals.at(-1);
    if (draft === undefined || approval === undefined) {
      this.#find('DELIVERED_WITHOUT_APPROVAL', [row], 'it was delivered, and no row says that somebody approved it');
      return;
    }
    const last = draft.versions.at(-1);
    const delivered = textOf(row, 'version') ?? last?.version;
    const approved = draft.approvals.map((one) => textOf(one, 'version'));
    if (delivered === undefined || approved.includes(delivered)) return;
    const text = `${draft.id} v${delivered} was delivered, and v${approved.join(', v')} was approved`;
    this.#find('DELIVERED_OTHER_VERSION', [row, last?.row, approval], text);
  }

  #find(code: GovernanceCode, rows: readonly (Mark | undefined)[], text: string): void {
    const seqs = rows.flatMap((row) => (row === undefined ? [] : [row.seq]));
    this.findings.push({ code, stream: { kind: 'run', id: this.id }, rows: seqs, text });
  }
}
