/** Seals fields of rows on their way in, as callers ask and the settings say. */
import { randomBytes } from 'node:crypto';
import { LedgerError } from '../../core/errors';
import type { Json, JsonObject } from '../../core/json';
import { parseJson } from '../../core/parseJson';
import { checkRow, MAX_INPUT_BYTES } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { hasSeal, openingOf, openRow, SALT_BYTES, saltText, sealedFields } from '../../core/seal';
import type { Opening } from '../../core/seal';
import { SealPlan } from '../../core/sealPlan';
import { isCapped, refuseSeal, unsealableName } from '../../core/sealable';
import type { LocatedLedger } from '../ledger/locate';
import { Openings } from './openings';

/** Of a row that was checked before: what is not a caller's to say. */
const ADDED = ['signature', 'imported_from', 'spill_id'];

export class Sealing {
  readonly #openings: Openings;

  constructor(private readonly located: Pick<LocatedLedger, 'config' | 'paths'>) {
    this.#openings = new Openings(located.paths);
  }

  /** Whether the settings seal anything. */
  get isAsked(): boolean {
    return this.located.config.seal.length > 0;
  }

  /**
   * A row as its caller means it: what came sealed, in a row that was signed, is opened. Where it cannot be, it is no seal of
   * this ledger's, and nobody could ever show what it stands for. In a row without a signature it may be copied from another
   * row, by somebody who does not know the value: then to erase one would erase both.
   * @param carried openings that came with the row, and are stored with it
   * @throws LedgerError MEMBER_RESERVED
   */
  opened(
    row: JsonObject,
    carried: readonly Opening[] = [],
  ): { readonly row: JsonObject; readonly known: ReadonlyMap<string, Opening> } {
    const known = new Map<string, Opening>();
    if (![...row.values()].some(hasSeal)) return { row, known };
    for (const { field, digest } of sealedFields(row)) {
      const opening = carried.find((one) => one.digest === digest) ?? this.#openings.find(digest);
      if (opening?.name !== field || !row.has('signature')) throw unknownSeal(field);
      if (known.has(field)) throw refuseSeal(field, 'two fields of the row are named so');
      known.set(field, opening);
    }
    return { row: openRow(row, (digest) => [...known.values()].find((one) => one.digest === digest)), known };
  }

  /**
   * @param fields what the caller wants sealed, beside what the settings say
   * @throws LedgerError MEMBER_RESERVED for a field that no row can have sealed
   */
  plan(row: JsonObject, fields: readonly string[] = [], known?: ReadonlyMap<string, Opening>): SealPlan {
    for (const field of fields) {
      const why = unsealableName(field) ?? this.#barred(field);
      if (why !== undefined) throw refuseSeal(field, why);
    }
    return new SealPlan(fields, row.get('action'), known, this.located.config.seal);
  }

  /** The row with what is planned sealed. @throws LedgerError MEMBER_RESERVED, ROW_TOO_LONG */
  sealed(checked: CheckedRow, plan: SealPlan): CheckedRow {
    if (!plan.mayTouch(checked.members)) return checked;
    const open = (field: string, value: Json): Opening => openingOf(field, value, saltText(randomBytes(SALT_BYTES)));
    const given = parseJson(`{${checked.members}}`) as JsonObject;
    const { row, openings } = plan.sealed(given, open, (field) => this.#barred(field));
    const own = new Map<string, Json>();
    for (const name of ADDED) {
      const value = row.get(name);
      if (value !== undefined && row.delete(name)) own.set(name, value);
    }
    return { ...checkRow(row, { nowMs: undefined, own, maxBytes: MAX_INPUT_BYTES }), openings };
  }

  /** A row that a command writes on a caller's behalf, with what the settings seal of what the caller said in it. */
  sealedOwn(checked: CheckedRow): CheckedRow {
    const fields = this.located.config.seal.filter((field) => !/^payload(?:[.[]|$)/.test(field));
    return fields.length === 0 ? checked : this.sealed(checked, new SealPlan([], checked.action, undefined, fields));
  }

  #barred(field: string): string | undefined {
    return isCapped(field, this.located.config.caps) ? 'a cap is narrowed by it' : undefined;
  }
}

function unknownSeal(field: string): LedgerError {
  return new LedgerError(
    'MEMBER_RESERVED',
    `expected a value in "${field}", found what stands for a sealed one, and no opening of it that this row may use`,
    {
      place: { member: field },
      hint: 'give the value itself, and seal it with --seal: the ledger makes the salt; a seal is taken in the signed row alone that it was made for',
    },
  );
}
