/**
 * One run, row by row in the order of its stream: whether what began has ended, whether anything came after the end, and
 * whether what was delivered is what somebody had approved.
 */
import type { Row } from '../members';
import { closedBy } from '../reservation';
import { saysNo, saysYes } from './consent';
import { isLive, textOf } from './finding';
import type { GovernanceCode, GovernanceFinding } from './finding';
import { PAIRS, RUN_MACHINE, stepOf } from './machine';
import type { RunState } from './machine';
import { versionText } from './words';

/** A draft: its versions in the order in which they came to be, and the approvals of it. */
export interface Draft {
  readonly id: string;
  readonly versions: { readonly version: string; readonly row: Row }[];
  readonly reviews: Row[];
  readonly approvals: Row[];
}

type Mark = Pick<Row, 'seq' | 'action'>;

const markOf = ({ seq, action }: Row): Mark => ({ seq, action });

export class RunAudit {
  state: RunState = RUN_MACHINE.start;
  /** Of its last row in the stream. */
  place = 0;
  readonly findings: GovernanceFinding[] = [];
  /** Of rows that are looked back to no more is kept than where they stand: a ledger may have a million runs. */
  #started: Mark | undefined;
  #completed: Mark | undefined;
  #open: (Mark & { readonly ids: readonly string[] })[] | undefined;
  #drafts: Map<string, Draft> | undefined;
  /** Of the work on an order, which has no drafts: whether the last word on it was a yes. */
  #isAgreed = false;

  /** @param counts whether what a row says counts: an approval whose signature is wrong does not */
  constructor(
    readonly id: string,
    private readonly counts: (row: Row) => boolean = () => true,
  ) {}

  get drafts(): readonly Draft[] {
    return [...(this.#drafts?.values() ?? [])];
  }

  step(row: Row): void {
    if (!isLive(row)) return;
    const { state, wrong } = stepOf(RUN_MACHINE, this.state, row.action);
    this.state = state;
    // What a run spent is settled when it is known, which may be after the run.
    if (wrong === 'ROW_AFTER_CLOSE' && isSettling(row)) return;
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
      this.#find('START_WITHOUT_END', [this.#started], 'the run began, and no row says that it ended');
    for (const row of this.#open ?? [])
      this.#find('START_WITHOUT_END', [row], `${row.action} came, and no row says that it ended`);
  }

  /** An end belongs to the oldest beginning that has one of its ids. */
  #pair(row: Row): void {
    for (const { start, end, by } of PAIRS) {
      if (row.action !== start && row.action !== end) continue;
      const ids = by.flatMap((name) => textOf(row, name) ?? []);
      this.#open ??= [];
      if (row.action === start) this.#open.push({ ...markOf(row), ids });
      else {
        const at = this.#open.findIndex((one) => one.action === start && isShared(one.ids, ids));
        if (at >= 0) this.#open.splice(at, 1);
        else this.#find('END_WITHOUT_START', [row], `${end} came without ${start}`);
      }
    }
  }

  #trail(row: Row): void {
    switch (row.action) {
      case 'draft.production':
        this.#draft(textOf(row, 'draft_id') ?? '').versions.push({ version: versionOf(row, 'version') ?? '', row });
        return;
      case 'reviewer.action':
        this.#review(row);
        return;
      case 'approval':
        if (this.counts(row)) this.#approve(row);
        return;
      case 'proof.approval':
        if (this.counts(row)) this.#isAgreed = saysYes(row) || (this.#isAgreed && !saysNo(row));
        return;
      case 'surface.delivery':
        if (textOf(row, 'outcome') !== 'failed') this.#deliver(row);
    }
  }

  /** The draft is used last by that. */
  #draft(id: string): Draft {
    this.#drafts ??= new Map();
    const draft = this.#drafts.get(id) ?? { id, versions: [], reviews: [], approvals: [] };
    this.#drafts.delete(id);
    this.#drafts.set(id, draft);
    return draft;
  }

  /** Of the draft that it names, or whose name its target begins with; else of the one that was used last. */
  #review(row: Row): void {
    const target = textOf(row, 'target') ?? '';
    const named = textOf(row, 'draft_id') ?? this.drafts.find(({ id }) => id !== '' && isBeginning(id, target))?.id;
    const id = named ?? this.drafts.at(-1)?.id;
    if (id === undefined) return;
    const draft = this.#draft(id);
    const version = versionOf(row, 'resulting_version');
    if (version !== undefined) draft.versions.push({ version, row });
    draft.reviews.push(row);
    // Who rejects what was approved takes that back.
    if (textOf(row, 'type') === 'reject' && this.counts(row)) draft.approvals.length = 0;
  }

  #approve(row: Row): void {
    const [id, version] = [textOf(row, 'draft_id') ?? '', versionOf(row, 'version')];
    const draft = this.#draft(id);
    if (!draft.versions.some((one) => one.version === version))
      this.#find('APPROVED_UNKNOWN_VERSION', [row], `${versionText(id, version)} was approved, and no row says that there is one`); // prettier-ignore
    draft.approvals.push(row);
  }

  /** Of the draft that it names, else of the one that was approved last. */
  #deliver(row: Row): void {
    const given = textOf(row, 'draft_id');
    const what = textOf(row, 'outcome') === 'queued' ? 'queued for delivery' : 'delivered';
    const draft =
      given === undefined ? this.drafts.findLast((one) => one.approvals.length > 0) : this.#drafts?.get(given);
    const approval = draft?.approvals.at(-1);
    if (this.#drafts === undefined && this.#isAgreed) return;
    if (draft === undefined || approval === undefined) {
      this.#find('DELIVERED_WITHOUT_APPROVAL', [row], `it was ${what}, and no row says that somebody approved it`);
      return;
    }
    const last = draft.versions.at(-1);
    const said = versionOf(row, 'version');
    const approved = draft.approvals.map((one) => versionOf(one, 'version') ?? '');
    const version = said ?? last?.version;
    if (version === undefined || approved.includes(version)) return;
    const names = approved.map((one) => versionText(undefined, one)).join(', ');
    const text =
      said === undefined
        ? `it was ${what} when ${versionText(draft.id, version)} was the last version and ${names} was approved: no row says which one it was`
        : `${versionText(draft.id, version)} was ${what}, and ${names} was approved`;
    this.#find('DELIVERED_OTHER_VERSION', [row, last?.row, approval], text);
  }

  #find(code: GovernanceCode, rows: readonly (Mark | undefined)[], text: string): void {
    const seqs = rows.flatMap((row) => (row === undefined ? [] : [row.seq]));
    this.findings.push({ code, stream: { kind: 'run', id: this.id }, rows: seqs, text });
  }
}

/** "v2" and 2 are one version. */
export function versionOf(row: Row, name: string): string | undefined {
  return textOf(row, name)?.replace(/^v(?=\d)/i, '');
}

function isBeginning(id: string, target: string): boolean {
  return target === id || target.startsWith(`${id} `);
}

function isShared(some: readonly string[], others: readonly string[]): boolean {
  return (some.length === 0 && others.length === 0) || some.some((id) => others.includes(id));
}

function isSettling({ action, idempotency_key: key }: Row): boolean {
  return action.startsWith('spend.') || closedBy(key) !== undefined;
}
