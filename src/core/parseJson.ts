/**
 * Strict JSON in: refused is what two readers could read differently: duplicate keys, lone surrogates, numbers that a
 * double would change, anything deeper than 64, anything after the value. Objects become Maps, so that member order and a
 * key named `__proto__` are kept as given.
 *
 *   parseJson('{"b":1.0,"a":"\u0085"}')  →  Map {"b" → 1, "a" → "<U+0085>"}
 */
import { sameDecimal } from './decimal';
import { LedgerError } from './errors';
import type { RefusalCode } from './errors';
import { hex4, MAX_DEPTH } from './json';
import type { Json, JsonObject } from './json';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;

/**
 * Parses one JSON text (a whole line without its newline, already decoded from valid UTF-8).
 * @param maxDepth less for a text that becomes a member of a row, more for one that has a row inside it
 * @throws LedgerError JSON_SYNTAX, JSON_DUPLICATE_KEY, JSON_SURROGATE, JSON_NUMBER or JSON_DEPTH, with `place.offset` in UTF-16 units
 */
export function parseJson(text: string, maxDepth = MAX_DEPTH): Json {
  return new Reader(text, maxDepth).document();
}

class Reader {
  private at = 0;
  /** Then only an escape can bring in a lone surrogate. */
  private readonly isWellFormed: boolean;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {
    this.isWellFormed = text.isWellFormed();
  }

  document(): Json {
    this.space();
    const value = this.value(1);
    this.space();
    if (this.at < this.text.length)
      this.fail('JSON_SYNTAX', `expected the end of the JSON text, found ${this.found()}`);
    return value;
  }

  private value(depth: number): Json {
    switch (this.text.charCodeAt(this.at)) {
      case 0x7b:
        return this.object(depth);
      case 0x5b:
        return this.array(depth);
      case QUOTE:
        return this.string();
      case 0x74:
        return this.word('true', true);
      case 0x66:
        return this.word('false', false);
      case 0x6e:
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    this.enter(depth);
    const members: JsonObject = new Map();
    this.at++;
    this.space();
    if (this.take(0x7d)) return members;
    for (;;) {
      if (this.text.charCodeAt(this.at) !== QUOTE)
        this.fail('JSON_SYNTAX', `expected a member name in quotes, found ${this.found()}`);
      const keyAt = this.at;
      const key = this.string();
      this.space();
      if (!this.take(0x3a)) this.fail('JSON_SYNTAX', `expected ":" after a member name, found ${this.found()}`);
      this.space();
      const value = this.value(depth + 1);
      const size = members.size;
      members.set(key, value);
      if (members.size === size)
        this.fail(
          'JSON_DUPLICATE_KEY',
          `expected every key once, found ${JSON.stringify(key.slice(0, 60))} twice`,
          keyAt,
        );
      this.space();
      if (this.take(0x7d)) return members;
      if (!this.take(0x2c)) this.fail('JSON_SYNTAX', `expected "," or "}" in an object, found ${this.found()}`);
      this.space();
    }
  }

  private array(depth: number): Json[] {
    this.enter(depth);
    const items: Json[] = [];
    this.at++;
    this.space();
    if (this.take(0x5d)) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      this.space();
      if (this.take(0x5d)) return items;
      if (!this.take(0x2c)) this.fail('JSON_SYNTAX', `expected "," or "]" in an array, found ${this.found()}`);
      this.space();
    }
  }

  private string(): string {
    const { text } = this;
    const start = this.at + 1;
    let at = start;
    for (; ; at++) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) break;
      if (unit === BACKSLASH || unit < 0x20 || unit !== unit) return this.slowString(start, at);
    }
    this.at = at + 1;
    const value = text.slice(start, at);
    return this.isWellFormed ? value : this.wellFormed(value, start);
  }

  /** The rest of a string from its first escape (or its first fault) on. */
  private slowString(start: number, from: number): string {
    const { text } = this;
    let value = text.slice(start, from);
    let at = from;
    for (;;) {
      const unit = text.charCodeAt(at);
      this.at = at;
      if (unit === QUOTE) break;
      if (unit !== unit) this.fail('JSON_SYNTAX', 'expected a closing quote, found the end of the text');
      if (unit < 0x20)
        this.fail('JSON_SYNTAX', `expected an escape for the control character U+${hex4(unit)}, found it raw`);
      if (unit !== BACKSLASH) {
        value += text[at++];
        continue;
      }
      const letter = text[at + 1] ?? '';
      const simple = ESCAPES[letter];
      if (simple !== undefined) {
        value += simple;
        at += 2;
        continue;
      }
      const digits = text.slice(at + 2, at + 6);
      if (letter !== 'u' || !HEX4.test(digits)) this.fail('JSON_SYNTAX', `expected a JSON escape, found "\\${letter}"`);
      value += String.fromCharCode(parseInt(digits, 16));
      at += 6;
    }
    this.at = at + 1;
    return this.wellFormed(value, start);
  }

  private wellFormed(value: string, start: number): string {
    if (!value.isWellFormed()) this.fail('JSON_SURROGATE', 'expected Unicode text, found a lone surrogate', start);
    return value;
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const token = NUMBER.exec(this.text)?.[0];
    if (token === undefined) this.fail('JSON_SYNTAX', `expected a JSON value, found ${this.found()}`);
    const value = Number(token);
    if (String(value) !== token && !sameDecimal(token, value)) {
      this.fail(
        'JSON_NUMBER',
        `expected a number that a double holds exactly, found ${token.slice(0, 40)} (it would become ${value}); pass it as a string`,
      );
    }
    this.at += token.length;
    return value;
  }

  private word<T extends boolean | null>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('JSON_SYNTAX', `expected a JSON value, found ${this.found()}`);
    this.at += word.length;
    return value;
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth)
      this.fail('JSON_DEPTH', `expected at most ${this.maxDepth} levels of nesting, found more`);
  }

  private take(unit: number): boolean {
    if (this.text.charCodeAt(this.at) !== unit) return false;
    this.at++;
    return true;
  }

  private space(): void {
    // One comparison in the usual case, where there is none.
    while (this.text.charCodeAt(this.at) <= 0x20 && this.isSpace()) this.at++;
  }

  private isSpace(): boolean {
    const unit = this.text.charCodeAt(this.at);
    return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
  }

  private found(): string {
    const unit = this.text.codePointAt(this.at);
    if (unit === undefined) return 'the end of the text';
    return unit > 0x20 && unit < 0x7f ? `"${String.fromCodePoint(unit)}"` : `U+${hex4(unit)}`;
  }

  private fail(code: RefusalCode, message: string, offset = this.at): never {
    throw new LedgerError(code, `${message} (at character ${offset + 1})`, { place: { offset } });
  }
}
