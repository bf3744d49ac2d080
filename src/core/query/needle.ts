/**
 * Passing over lines that cannot match, without looking into them: where a member must be a certain string, the bytes of
 * that string stand in the line. A line that spells it with escapes that no writer of ours uses is let through as well.
 */
import { storedString } from '../json';

/** What we escape and others need not; and what bytes that are no UTF-8 are read as. */
const SPELLED_RAW_TOO = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/;

/** Whether a string stands in every line that holds it as the writer spells it, but for the escapes that hide it. */
export function hasOneSpelling(text: string): boolean {
  return !SPELLED_RAW_TOO.test(text);
}

/** Escapes by which a string can hide: every other one is how the writer spells it. */
const HIDING = ['\\u', '\\/'];

export class Needle {
  readonly #wanted: readonly Wanted[];

  /** @param text what must stand in the line, as the value of a member; with one spelling */
  constructor(text: string) {
    this.#wanted = [storedString(text).slice(1, -1), ...HIDING].map((one) => new Wanted(Buffer.from(one)));
  }

  /** Other bytes are in the block from now on. */
  begin(block: Buffer): void {
    for (const wanted of this.#wanted) wanted.begin(block);
  }

  /** Where the next line that may match has some byte, at or after `from`; -1 where there is none in the block. */
  next(from: number): number {
    let first = -1;
    for (const wanted of this.#wanted) {
      const at = wanted.next(from);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    return first;
  }
}

/** Remembers the place that was found last, so that every byte is searched once. */
class Wanted {
  #block: Buffer = Buffer.alloc(0);
  #found = 0;

  constructor(private readonly bytes: Buffer) {}

  begin(block: Buffer): void {
    this.#block = block;
    this.#found = block.indexOf(this.bytes);
  }

  next(from: number): number {
    if (this.#found >= 0 && this.#found < from) this.#found = this.#block.indexOf(this.bytes, from);
    return this.#found;
  }
}
