/** `ledger erase`: the value of a sealed field is gone for good, and a row says who wanted that, and why. */
import { LedgerError } from '../core/errors';
import type { Json } from '../core/json';
import type { AppendEvents } from '../store/append/append';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { eraseOpening } from '../store/sealed/erase';
import type { Erased } from '../store/sealed/erase';
import { sealedAt } from '../store/sealed/sealedRow';
import type { SealedAt } from '../store/sealed/sealedRow';
import { Secrets } from '../store/secrets/secrets';

export interface EraseRequest {
  readonly place: Place;
  readonly row: string;
  readonly field: string;
  readonly reason: string;
  readonly actor: string | undefined;
  readonly events: AppendEvents;
}

export interface EraseResult extends SealedAt {
  readonly status: Erased['status'];
  /** The row that says so. */
  readonly erasure_seq: number;
  readonly erasure_id: string;
}

/** @throws LedgerError USAGE, SECRET, NOT_FOUND, NOT_SEALED, LEDGER_BROKEN, and whatever kept the row from the disk: all is as it was */
export async function erase({ place, row, field, reason, actor, events }: EraseRequest): Promise<EraseResult> {
  if (reason.trim() === '') throw new LedgerError('USAGE', 'expected --reason to say why, found nothing');
  const { paths, config } = locate(place);
  const given = new Map<string, Json>([
    ...(actor === undefined ? [] : [['actor', actor] as const]),
    ['reason', reason],
  ]);
  const said = new Secrets(config.secrets).cleaned(given, events.onOmitted ?? (() => undefined), false);
  const sealed = await sealedAt(paths, row, field);
  const erased = await eraseOpening({
    paths,
    sealed,
    reason: said.get('reason') as string,
    actor: said.get('actor') as string | undefined,
    events,
  });
  return { status: erased.status, ...sealed, erasure_seq: erased.row.seq, erasure_id: erased.row.id };
}
