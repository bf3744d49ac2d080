/**
 * Lines of a byte stream that comes in chunks. Split on byte 0x0A only; invalid UTF-8 is a fault of its line, not of
 * the stream; a line that grows past the limit is dropped while it comes, so memory stays flat. A last line without a
 * newline counts.
 */
import { isUtf8 } from 'node:buffer';
import { LedgerError } from './errors';

export type InputLine =
  | { readonly kind: 'text'; readonly text: string }
  /** `bytes`: the line as it came, where it was kept. */
  | { readonly kind: 'fault'; readonly error: LedgerError; readonly bytes?: Buffer };

const NEWLINE = 0x0a;

export class LineSplitter {
  #carry: Buffer[] = [];
  #carried = 0;
  #overlong = false;

  constructor(private readonly maxBytes: number) {}

  /** The lines that a chunk completes. */
  push(chunk: Buffer): InputLine[] {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#keep(chunk);
      return [];
    }
    const first = chunk.indexOf(NEWLINE);
    const lines = [this.#finish(chunk.subarray(0, first))];
    if (last > first) this.#split(chunk.subarray(first + 1, last), lines);
    this.#keep(chunk.subarray(last + 1));
    return lines;
  }

  /** The last line where it had no newline. */
  end(): InputLine[] {
    return this.#carried > 0 || this.#overlong ? [this.#finish(Buffer.alloc(0))] : [];
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    if (this.#overlong || this.#carried + rest.length > this.maxBytes) {
      this.#overlong = true;
      this.#carry = [];
      return;
    }
    this.#carry.push(rest);
    this.#carried += rest.length;
  }

  #finish(end: Buffer): InputLine {
    const whole = this.#carried === 0 ? end : Buffer.concat([...this.#carry, end]);
    const overlong = this.#overlong || whole.length > this.maxBytes;
    this.#carry = [];
    this.#carried = 0;
    this.#overlong = false;
    return overlong ? this.#tooLong() : lineOf(whole);
  }

  /** Whole lines of one chunk: decoded at once where all of it is valid, which it nearly always is. */
  #split(block: Buffer, lines: InputLine[]): void {
    if (isUtf8(block)) {
      for (const text of block.toString('utf8').split('\n')) lines.push({ kind: 'text', text });
      return;
    }
    let start = 0;
    while (start <= block.length) {
      const newline = block.indexOf(NEWLINE, start);
      const end = newline < 0 ? block.length : newline;
      lines.push(lineOf(block.subarray(start, end)));
      start = end + 1;
    }
  }

  #tooLong(): InputLine {
    return {
      kind: 'fault',
      error: new LedgerError('ROW_TOO_LONG', `expected a line of at most ${this.maxBytes} bytes, found a longer one`, {
        hint: 'store the content elsewhere and put its reference and SHA-256 in the row',
      }),
    };
  }
}

function lineOf(bytes: Buffer): InputLine {
  if (isUtf8(bytes)) return { kind: 'text', text: bytes.toString('utf8') };
  return {
    kind: 'fault',
    bytes: Buffer.from(bytes),
    error: new LedgerError('INPUT_UTF8', 'expected UTF-8, found other bytes', {
      hint: 'convert the input, for instance with iconv',
    }),
  };
}
