/**
 * A field of a row as people name it: a member, or a value inside one.
 *
 *   agent   cost_usd   payload.exit_status   payload.args.0
 *
 * What a field holds is its JSON value; a string is compared as it is, anything else by its JSON text. A field that is
 * not there holds `undefined`.
 */
import { LedgerError } from '../errors';
import { SlotReader } from '../lineSlots';
import { momentIn } from '../rowDigest';
import { jsonText } from '../printable';
import { rowObject } from '../storedRow';
import { parseRfc3339 } from '../time';

export interface Field {
  /** As it was typed. */
  readonly name: string;
  readonly member: string;
  /** Names or positions inside the member's value. */
  readonly path: readonly string[];
}

const FIELD = /^[A-Za-z_][\w-]*(\.[\w-]+)*$/;

/** @throws LedgerError USAGE */
export function parseField(name: string): Field {
  if (!FIELD.test(name))
    throw new LedgerError('USAGE', `expected the name of a field, found ${JSON.stringify(name)}`, {
      hint: 'write a member of a row (agent, cost_usd) or a value inside one (payload.exit_status)',
    });
  const [member = '', ...path] = name.split('.');
  return { name, member, path };
}

/** So many lines are parsed: reading them off their bytes takes three times as long before that is compiled. */
const PARSED_LINES = 400;

/** Fields of one line after the other. A field that is added is there from the next line on. */
export class FieldReader {
  readonly #members: string[] = [];
  readonly #fields: { readonly slot: number; readonly path: readonly string[] }[] = [];
  /** Whether all lines are parsed, for who wants the objects as well. */
  parsesAll = false;
  #left = PARSED_LINES;
  /** The line as an object; undefined where it is read off its bytes. */
  #object: Readonly<Record<string, unknown>> | undefined;
  #slots: SlotReader | undefined;

  /** The members that are looked into. */
  get members(): readonly string[] {
    return this.#members;
  }

  /** The number under which `value` knows the field. */
  add({ member, path }: Pick<Field, 'member' | 'path'>): number {
    if (!this.#members.includes(member)) this.#members.push(member);
    this.#slots = undefined;
    return this.#fields.push({ slot: this.#members.indexOf(member), path }) - 1;
  }

  /** Looks at the line `[start, end)`; false where it is no JSON object, or one as no row is: with space around it, too deep. */
  read(bytes: Buffer, start: number, end: number): boolean {
    if (this.parsesAll || this.#left > 0) {
      this.#left--;
      this.#object = rowObject(bytes.subarray(start, end));
      return this.#object !== undefined;
    }
    this.#object = undefined;
    this.#slots ??= new SlotReader(this.#members);
    return this.#slots.find(bytes, start, end);
  }

  /** The line that was read last as an object, where it was parsed. */
  get object(): Readonly<Record<string, unknown>> | undefined {
    return this.#object;
  }

  /** The value in the line that was read last. */
  value(index: number): unknown {
    const { slot, path } = this.#fields[index] as { slot: number; path: readonly string[] };
    const value = this.#object === undefined ? this.#slotValue(slot) : ownValue(this.#object, this.#members[slot]);
    return path.length === 0 ? value : inside(value, path);
  }

  /** The moment in a member, in ms; undefined where there is none. */
  moment(index: number): number | undefined {
    const { slot } = this.#fields[index] as { slot: number };
    if (this.#object !== undefined || this.#slots === undefined) {
      const value = this.value(index);
      return typeof value === 'string' ? parseRfc3339(value) : undefined;
    }
    if (!this.#slots.has(slot)) return undefined;
    const { raw, start, end } = this.#slots.range(slot);
    const ms = momentIn(raw, start, end);
    if (ms !== undefined) return ms;
    // Escapes spell a time too.
    const text = this.#slots.string(slot);
    return text === null ? undefined : parseRfc3339(text);
  }

  #slotValue(slot: number): unknown {
    const slots = this.#slots as SlotReader;
    const simple = slots.string(slot) ?? slots.number(slot);
    if (simple !== undefined || !slots.has(slot)) return simple;
    return JSON.parse(slots.text(slot) as string);
  }
}

function ownValue(object: Readonly<Record<string, unknown>>, name: string | undefined): unknown {
  return name !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}

function inside(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** A value as text: a string as it is, another value as its JSON text, nothing where there is none. */
export function fieldText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : jsonText(value);
}
