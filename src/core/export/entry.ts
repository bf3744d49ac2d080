/**
 * One object made of a row, member by member; every value keeps the spelling that it has in the row. What a shape has no
 * member for stands in `more`, so that nothing which a row says is lost on the way.
 *
 *   {"id":"01J…","type":"run_started",…,"more":{"agent":"triage","cost_usd":0.0042}}
 */
import { storedString } from '../json';
import { rawMembers } from './rawMembers';
import type { RawMembers } from './rawMembers';

/** What says where a row stands in its ledger, and proves it there: `hash` leads to the row. */
const PLACE: ReadonlySet<string> = new Set([
  'seq',
  'id',
  'by',
  'run_seq',
  'run_prev_hash',
  'decision_seq',
  'decision_prev_hash',
  'content_hash',
  'spill_id',
  'nonce',
  'prev_hash',
  'hash',
]);

export class Entry {
  readonly #parts: string[] = [];
  readonly #taken = new Set<string>();
  readonly #takenOfPayload = new Set<string>();
  #payload: RawMembers | undefined;

  constructor(private readonly row: RawMembers) {}

  /** A value as it is spelled; nothing where there is none. */
  put(name: string, raw: string | undefined): this {
    if (raw !== undefined) this.#parts.push(`${storedString(name)}:${raw}`);
    return this;
  }

  text(name: string, value: string): this {
    return this.put(name, storedString(value));
  }

  /** A member of the row, under its name or another one. */
  member(name: string, as = name): this {
    this.#taken.add(name);
    return this.put(as, this.row.get(name));
  }

  /** A member of the row that is said already, in another way. */
  taken(name: string): this {
    this.#taken.add(name);
    return this;
  }

  /** A field of a typed row: in its payload, or the member of the same name. */
  field(name: string, as = name): this {
    const raw = this.payload.get(name);
    if (raw === undefined) return this.member(name, as);
    this.#takenOfPayload.add(name);
    return this.put(as, raw);
  }

  /** The payload as a whole; an empty one where there is none. */
  wholePayload(): this {
    return this.row.has('payload') ? this.member('payload') : this.put('payload', '{}');
  }

  /** When it happened; where a caller said so, `more` has the moment at which the ledger heard of it. */
  timestamp(): this {
    return this.member(this.row.has('occurred_at') ? 'occurred_at' : 'ts', 'timestamp');
  }

  /** What is not live says so wherever it is shown. */
  labelled(): this {
    const isLive = this.row.get('provenance') === '"live"';
    if (isLive) this.#taken.add('provenance');
    return isLive ? this : this.member('provenance');
  }

  /** The rest of the row. */
  more(): this {
    const rest = [...this.row].flatMap(([name, raw]) => {
      if (PLACE.has(name) || this.#taken.has(name)) return [];
      const left = name === 'payload' ? this.#restOfPayload(raw) : raw;
      return left === undefined ? [] : [`${storedString(name)}:${left}`];
    });
    return rest.length === 0 ? this : this.put('more', `{${rest.join(',')}}`);
  }

  toString(): string {
    return `{${this.#parts.join(',')}}`;
  }

  get payload(): RawMembers {
    return (this.#payload ??= rawMembers(Buffer.from(this.row.get('payload') ?? '{}')));
  }

  #restOfPayload(raw: string): string | undefined {
    if (this.#takenOfPayload.size === 0) return raw === '{}' ? undefined : raw;
    const rest = [...this.payload].filter(([name]) => !this.#takenOfPayload.has(name));
    return rest.length === 0 ? undefined : `{${rest.map(([name, of]) => `${storedString(name)}:${of}`).join(',')}}`;
  }
}
