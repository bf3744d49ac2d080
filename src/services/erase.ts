/** `ledger erase`: the value of a sealed field is gone for good, and a row says who wanted that, and why. */
import { LedgerError } from '../core/errors';
import type { Json } from '../core/json';
import { isDigest, sealedFields } from '../core/seal';
import type { AppendEvents } from '../store/append/append';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import type { StatePaths } from '../store/paths';
import { eraseOpening } from '../store/sealed/erase';
import type { Erased, Erasing } from '../store/sealed/erase';
import { Holders } from '../store/sealed/holders';
import { Openings } from '../store/sealed/openings';
import { erasureOf, rowNamed, sealedAt } from '../store/sealed/sealedRow';
import { Secrets } from '../store/secrets/secrets';

/** A sealed field, or an opening whatever rows have it. */
export type EraseWhat =
  | { readonly row: string; readonly field: string }
  | {
      /** 64 hex digits. */
      readonly digest: string;
    };

export interface EraseRequest {
  readonly place: Place;
  readonly what: EraseWhat;
  readonly reason: string;
  readonly actor: string | undefined;
  readonly events: AppendEvents;
}

export interface EraseResult {
  readonly status: Erased['status'];
  /** Null where it was asked for by its digest, and no row that can be read has it. */
  readonly seq: number | null;
  readonly id: string | null;
  readonly field: string | null;
  readonly digest: string;
  /** All rows that hold the digest. */
  readonly rows: readonly number[];
  /** How many openings of the same value, of no row, went with it. */
  readonly copies: number;
  /** The row that says so. */
  readonly erasure_seq: number;
  readonly erasure_id: string;
}

/** @throws LedgerError USAGE, SECRET, NOT_FOUND, NOT_SEALED, LEDGER_BROKEN, and whatever kept the row from the disk: all is as it was */
export async function erase({ place, what, reason, actor, events }: EraseRequest): Promise<EraseResult> {
  if (reason.trim() === '') throw new LedgerError('USAGE', 'expected --reason to say why, found nothing');
  const { paths, config } = locate(place);
  const given = new Map<string, Json>([
    ...(actor === undefined ? [] : [['actor', actor] as const]),
    ['reason', reason],
  ]);
  const said = new Secrets(config.secrets).cleaned(given, events.onOmitted ?? (() => undefined), false);
  const sealed = 'digest' in what ? await ofDigest(paths, what.digest) : await ofRow(paths, what);
  const erased = await eraseOpening({
    paths,
    sealed,
    reason: said.get('reason') as string,
    actor: said.get('actor') as string | undefined,
    events,
  });
  const { status, rows, copies, row } = erased;
  const { seq = null, id = null, field = null, digest } = sealed;
  return { status, seq, id, field, digest, rows, copies, erasure_seq: row.seq, erasure_id: row.id };
}

async function ofRow(
  paths: StatePaths,
  { row, field }: { readonly row: string; readonly field: string },
): Promise<Erasing['sealed']> {
  try {
    return await sealedAt(paths, row, field);
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'LEDGER_BROKEN') throw error;
    throw new LedgerError(error.code, error.message, {
      hint: 'where nothing tells any more what its fields were, "ledger verify" names openings that belong to no row: ledger erase --digest HEX',
      cause: error,
    });
  }
}

/** With the first of the rows that have it, where one can be read. */
async function ofDigest(paths: StatePaths, digest: string): Promise<Erasing['sealed']> {
  if (!isDigest(digest)) throw new LedgerError('USAGE', 'expected a digest of 64 hex digits, found something else');
  presentSegments(paths);
  const holders = new Holders(new Set([digest]));
  await holders.look(paths);
  const [first] = holders.seqsOf(digest);
  const row = first === undefined ? undefined : await rowNamed(paths, String(first)).catch(() => undefined);
  const field = row && sealedFields(row.members).find((one) => one.digest === digest)?.field;
  if (row !== undefined && field !== undefined) return { seq: row.seq, id: row.id, field, digest };
  const openings = new Openings(paths);
  if (first === undefined && !openings.has(digest) && (await erasureOf(paths, digest)) === undefined)
    throw new LedgerError('NOT_FOUND', 'expected an opening with this digest, or a row that holds it, found neither');
  const name = openings.find(digest)?.name;
  return { digest, ...(name !== undefined && { field: name }) };
}
