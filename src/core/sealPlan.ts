/** Which fields of one row are to be sealed: those that are asked for, those that hold secrets, and those that came sealed. */
import { LedgerError } from './errors';
import type { Json, JsonObject } from './json';
import { pathText } from './omissions';
import type { Path } from './omissions';
import { MEMBERS } from './members';
import { hasField, replaced, sealedFields, sealIn, sealRow } from './seal';
import type { Opening, SealedField } from './seal';
import { refuseSeal, unsealableIn } from './sealable';

/** Where something stands in a row; in the name of a member, or in its value. */
export interface SealPlace {
  readonly at: Path;
  readonly inName: boolean;
}

export class SealPlan {
  readonly #fields: Set<string>;

  /**
   * @param fields that are asked for
   * @param action of the row
   * @param known the openings of fields that came sealed: they keep their digests
   * @param bySettings fields that the settings ask for
   */
  constructor(
    fields: readonly string[],
    private readonly action: Json | undefined,
    private readonly known: ReadonlyMap<string, Opening> = new Map(),
    private readonly bySettings: readonly string[] = [],
  ) {
    this.#fields = new Set([...bySettings, ...fields, ...known.keys()]);
  }

  /** Whether what stands there is sealed. */
  covers({ at, inName }: SealPlace): boolean {
    const outside = inName ? at.length - 1 : at.length;
    return at.slice(0, outside).some((_, i) => this.#fields.has(pathText(at.slice(0, i + 1))));
  }

  /** Seals it, too; false where it cannot be sealed. */
  add({ at, inName }: SealPlace): boolean {
    const field = pathText(inName ? at.slice(0, -1) : at);
    if (unsealableIn(field, this.action) !== undefined) return false;
    this.#fields.add(field);
    return true;
  }

  /** The row with null for each value that is sealed; undefined where none is. */
  hidden(row: JsonObject): JsonObject | undefined {
    let isAny = false;
    const hidden = replaced(row, (field, value) => {
      if (!this.#fields.has(field) || sealIn(value) !== undefined) return undefined;
      isAny = true;
      return null;
    });
    return isAny ? hidden : undefined;
  }

  /** Whether a member of a row is sealed, or something in it. */
  touches(row: JsonObject, member: string): boolean {
    const value = row.get(member);
    return value !== undefined && this.hidden(new Map([[member, value]])) !== undefined;
  }

  /** Whether a row with these members, as a line holds them, may have one of the fields. */
  mayTouch(members: string): boolean {
    for (const field of this.#fields) {
      const [name = ''] = field.split(/[.[]/, 1);
      // A name of one's own may hold a dot itself, or be spelled with an escape.
      if (!MEMBERS.has(name) || members.includes(`"${name}":`)) return true;
    }
    return false;
  }

  /**
   * The row with its fields sealed.
   * @param open gives a fresh opening of a field
   * @param isBarred why a field cannot be sealed in this ledger
   * @throws LedgerError MEMBER_RESERVED for a field that rows are judged by, and for two that are named alike
   */
  sealed(
    row: JsonObject,
    open: (field: string, value: Json) => Opening,
    barred: (field: string) => string | undefined,
  ): { readonly row: JsonObject; readonly openings: readonly Opening[] } {
    const fresh: Opening[] = [];
    const sealed = sealRow(row, (field, value) => {
      if (!this.#fields.has(field) || sealIn(value) !== undefined) return undefined;
      const why = unsealableIn(field, this.action) ?? barred(field);
      if (why !== undefined) throw refuseSeal(field, why, this.bySettings.includes(field));
      const known = this.known.get(field);
      if (known !== undefined) return known;
      const opening = open(field, value);
      fresh.push(opening);
      return opening;
    });
    refuseTwins(sealedFields(sealed.row));
    return { row: sealed.row, openings: fresh };
  }
}

/** A member's own name may hold a dot: of two fields that are spelled alike neither could be disclosed or erased any more. */
function refuseTwins(sealed: readonly SealedField[]): void {
  const met = new Set<string>();
  for (const { field } of sealed) {
    if (met.has(field)) throw refuseSeal(field, 'two fields of the row are named so');
    met.add(field);
  }
}

/**
 * A misspelt field would be stored for everybody to read.
 * @throws LedgerError USAGE for fields that none of the rows has
 */
export function refuseUnknownFields(fields: readonly string[], rows: readonly Json[]): void {
  const missing = fields.find((field) => !rows.some((row) => row instanceof Map && hasField(row, field)));
  if (missing !== undefined) throw unknownField(missing, 'none');
}

/** @param found what there is instead */
export function unknownField(name: string, found: string): LedgerError {
  return new LedgerError('USAGE', `expected a field "${name}" to seal, found ${found}`, {
    place: { member: name },
    hint: 'fields are named as in the row: reason, payload.email, payload.steps[2].note',
  });
}
