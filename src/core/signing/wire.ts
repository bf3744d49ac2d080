/** The bytes that SSH has for keys and messages: a number is four bytes, the highest first; a text is its length and itself. */

export function wireNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function wireText(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([wireNumber(bytes.length), bytes]);
}

/** Reads one part after the other; throws a RangeError where there is no more. */
export class WireReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  number(): number {
    const value = this.bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  text(): Buffer {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.bytes.length) throw new RangeError('the text is longer than what is left');
    const value = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  /** What was not read yet. */
  rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }
}
