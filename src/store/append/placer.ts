/**
 * Places the rows of one group on a ledger that is locked and whole: finds where their streams stand, whether their keys
 * were used, and builds the lines. Nothing is written here.
 */
import type { StreamHead } from '../../core/chain';
import { LedgerError } from '../../core/errors';
import { Group, NEW_STREAM } from '../../core/group';
import type { Landed } from '../../core/group';
import type { Row } from '../../core/members';
import type { CheckedRow } from '../../core/row';
import { sameChecked, sameContent } from '../../core/sameContent';
import { toJson } from '../../core/json';
import { hasSeal } from '../../core/seal';
import type { FindOpening, Opening } from '../../core/seal';
import type { ReadyLedger } from '../ledger/ledger';
import { lastRowWith, streamHeadOf, windowStart } from './places';
import type { OlderRows, PlaceKind } from './places';
import { Openings } from '../sealed/openings';

type StreamKind = 'run_id' | 'decision_id';

export interface PlacedRowReceipt extends Landed {
  readonly status: 'landed' | 'duplicate';
}

export interface KeyUse {
  readonly landed: Landed;
  /** What stands under the key: a row of this group, or one of the file. */
  readonly checked: CheckedRow | undefined;
  readonly stored: Row | undefined;
}

export class Placer {
  readonly group: Group;
  readonly #heads = { run_id: new Map<string, StreamHead>(), decision_id: new Map<string, StreamHead>() };
  readonly #keys = new Map<string, KeyUse>();
  /** What opens the sealed fields of the rows that were placed: a row that is there already needs none. */
  readonly openings: Opening[] = [];
  readonly #known: Openings;
  #older: OlderRows | undefined;

  constructor(private readonly ledger: ReadyLedger) {
    this.group = new Group(ledger.tail.head, ledger.host);
    this.#known = new Openings(ledger.paths);
  }

  /**
   * Places the rows of one call, all or none.
   * @throws LedgerError IDEMPOTENCY_CONFLICT, SIGNATURE_INVALID; then nothing of the call is in the group
   */
  placeCall(rows: readonly CheckedRow[]): PlacedRowReceipt[] {
    this.#refuseConflicts(rows);
    return rows.map((row) => this.#receiptOf(row));
  }

  /** Places one row under whatever key it has; the caller has looked at the key. */
  place(row: CheckedRow, id?: string): Landed {
    const run = row.runId === undefined ? undefined : this.#head('run_id', row.runId);
    const decision = row.decisionId === undefined ? undefined : this.#head('decision_id', row.decisionId);
    const landed = this.group.add(row, run, decision, id);
    if (row.openings !== undefined) this.openings.push(...row.openings);
    if (row.runId !== undefined) this.#advance('run_id', row.runId, run, landed);
    if (row.decisionId !== undefined) this.#advance('decision_id', row.decisionId, decision, landed);
    if (row.idempotencyKey !== undefined)
      this.#keys.set(row.idempotencyKey, { landed, checked: row, stored: undefined });
    return landed;
  }

  /** What stands under a key already, in this group or in the ledger. */
  keyUse(key: string): KeyUse | undefined {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const { recent, fd } = this.ledger;
    const stored = recent.keyed(fd, key) ?? this.#find('idempotency_key', key);
    if (stored === undefined) return undefined;
    const use: KeyUse = { landed: { seq: stored.seq, id: stored.id, hash: stored.hash }, checked: undefined, stored };
    this.#keys.set(key, use);
    return use;
  }

  /** The group was committed: what it changed is remembered for the next one. */
  remember(data: Buffer): void {
    const { recent, tail } = this.ledger;
    for (const kind of ['run_id', 'decision_id'] as const) {
      for (const [id, head] of this.#heads[kind]) recent.noteStream(kind, id, head);
    }
    this.#rememberKeys(data);
    recent.advance(tail.sizeBytes + data.length, data, this.group.head);
  }

  #rememberKeys(data: Buffer): void {
    const bySeq = new Map<number, string>();
    for (const [key, use] of this.#keys) if (use.checked !== undefined) bySeq.set(use.landed.seq, key);
    if (bySeq.size === 0) return;
    let start = 0;
    for (let seq = this.ledger.tail.head.seq + 1; start < data.length; seq++) {
      const end = data.indexOf(0x0a, start);
      const key = bySeq.get(seq);
      if (key !== undefined)
        this.ledger.recent.noteKey(key, { offset: this.ledger.tail.sizeBytes + start, bytes: end - start });
      start = end + 1;
    }
  }

  /** Places one row that stands for itself. Throws as `placeCall` does. */
  placeOne(row: CheckedRow): PlacedRowReceipt {
    if (row.idempotencyKey !== undefined) this.#refuseConflicts([row]);
    return this.#receiptOf(row);
  }

  /** Whether a row says the same as what stands under its key. `untimed`: its `occurred_at` was added by the drain. */
  isSame(use: KeyUse, row: CheckedRow, untimed?: boolean): boolean {
    if (use.checked !== undefined) return sameChecked(use.checked, row, this.#opening, untimed);
    return use.stored !== undefined && sameContent(use.stored, row, this.#opening, untimed);
  }

  readonly #opening: FindOpening = (digest) => this.#known.find(digest);

  #receiptOf(row: CheckedRow): PlacedRowReceipt {
    const use = row.idempotencyKey === undefined ? undefined : this.keyUse(row.idempotencyKey);
    const { seq, id, hash } = use === undefined ? this.place(row) : use.landed;
    return { status: use === undefined ? 'landed' : 'duplicate', seq, id, hash };
  }

  #refuseConflicts(rows: readonly CheckedRow[]): void {
    const inCall = new Map<string, CheckedRow>();
    for (const row of rows) {
      const key = row.idempotencyKey;
      if (key === undefined) continue;
      this.#refuseForeign(row);
      const use = this.keyUse(key);
      const sibling = inCall.get(key);
      const same =
        (use === undefined || this.isSame(use, row)) &&
        (sibling === undefined || sameChecked(sibling, row, this.#opening));
      if (!same) throw conflict(key, use);
      inCall.set(key, row);
    }
  }

  /** Another ledger may have been put in the place of the one that the row was signed for. */
  #refuseForeign({ signedFor }: CheckedRow): void {
    const { ledgerId } = this.ledger.identity;
    if (signedFor === undefined || signedFor === ledgerId) return;
    throw new LedgerError(
      'SIGNATURE_INVALID',
      `expected a signature for ledger ${ledgerId}, found one for ${signedFor}`,
      {
        place: { member: 'signature' },
        hint: 'another ledger stands here now; sign the row again',
      },
    );
  }

  #head(kind: StreamKind, id: string): StreamHead {
    return this.#heads[kind].get(id) ?? this.ledger.recent.stream(kind, id) ?? this.#storedHead(kind, id);
  }

  #storedHead(kind: StreamKind, id: string): StreamHead {
    const row = this.#find(kind, id);
    return row === undefined ? NEW_STREAM : streamHeadOf(row, kind);
  }

  #find(kind: PlaceKind, value: string): Row | undefined {
    const { recent, tail } = this.ledger;
    const start = windowStart(tail.window);
    const inWindow =
      start < recent.fromBytes
        ? lastRowWith(tail.window.bytes.subarray(start - tail.window.offset), kind, value)
        : undefined;
    if (inWindow !== undefined) return inWindow;
    const before = Math.min(start, recent.fromBytes);
    this.#older ??= this.ledger.index.olderRows(this.ledger.fd);
    return this.#older.find(kind, value, before);
  }

  #advance(kind: StreamKind, id: string, head: StreamHead | undefined, landed: Landed): void {
    this.#heads[kind].set(id, { seq: (head?.seq ?? 0) + 1, hash: landed.hash });
  }
}

function conflict(key: string, use: KeyUse | undefined): LedgerError {
  const where = use === undefined ? 'the same call' : `row ${use.landed.seq}`;
  const isSealed = use?.stored !== undefined && hasSeal(toJson(use.stored));
  return new LedgerError(
    'IDEMPOTENCY_CONFLICT',
    `expected the same content as ${where} under idempotency key ${JSON.stringify(key.slice(0, 60))}, found other content`,
    {
      place: { member: 'idempotency_key' },
      hint: `use a new key for a new row; the first row stands${isSealed ? '; a sealed field of it whose opening is gone can be compared with nothing' : ''}`,
    },
  );
}
