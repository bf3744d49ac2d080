/** JSON that says one thing only: each key once, members in the order in which they stand, no half of a character. */
import { Fault } from './finding';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

const MAX_DEPTH = 100;
const TOKEN =
  // eslint-disable-next-line no-control-regex -- no string has one
  /[ \t\n\r]*(?:([{}[\],:])|("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))/y;

/** @throws Fault MALFORMED */
export function parseStrict(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value(1);
  reader.end();
  return value;
}

class Reader {
  #at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): Json {
    const token = this.#next();
    if (depth > MAX_DEPTH) throw this.#fault('no more than 100 values within each other');
    if (token === '{') return this.#object(depth);
    if (token === '[') return this.#list(depth);
    if (/^[\]},:]/.test(token)) throw this.#fault('a value');
    const value = JSON.parse(token) as null | boolean | number | string;
    if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) throw this.#fault('whole characters');
    return value;
  }

  end(): void {
    if (/[^ \t\n\r]/.test(this.text.slice(this.#at))) throw this.#fault('nothing behind the value');
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    if (this.#closes('}')) return members;
    do {
      const name = this.value(depth + 1);
      if (typeof name !== 'string' || members.has(name)) throw this.#fault('names as text, each once');
      if (this.#next() !== ':') throw this.#fault('a colon');
      members.set(name, this.value(depth + 1));
    } while (this.#goesOn('}'));
    return members;
  }

  #list(depth: number): Json[] {
    const items: Json[] = [];
    if (this.#closes(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.#goesOn(']'));
    return items;
  }

  #goesOn(close: string): boolean {
    const token = this.#next();
    if (token !== ',' && token !== close) throw this.#fault('a comma');
    return token === ',';
  }

  #closes(close: string): boolean {
    const before = this.#at;
    if (this.#next() === close) return true;
    this.#at = before;
    return false;
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const [whole = '', mark, value] = TOKEN.exec(this.text) ?? [];
    if (whole === '') throw this.#fault('a value');
    this.#at += whole.length;
    return mark ?? value ?? '';
  }

  #fault(want: string): Fault {
    return new Fault('MALFORMED', `strict JSON: ${want}`, `${this.text.slice(this.#at, this.#at + 40)} at character ${this.#at + 1}`); // prettier-ignore
  }
}

/** RFC 8785. */
export function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (!(value instanceof Map)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`;
  const members = [...(value as JsonObject)].sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(',')}}`;
}

/** A value as a finding shows it. */
export function shown(value: Json | undefined): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : canonical(value);
}
