/** The little of ASN.1's DER that time stamps need: a value is a tag, a length and its content. */

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  time: 0x18,
  sequence: 0x30,
  context0: 0xa0,
};

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
}

const LONG = 0x80;
const MAX_LENGTH_BYTES = 4;

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < LONG) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([LONG | bytes.length]), bytes]);
}

/** The values that stand one behind the other; undefined where the bytes are none. */
export function readDer(bytes: Buffer): DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const value = valueAt(bytes, at);
    if (value === undefined) return undefined;
    values.push(value);
    at = value.end;
  }
  return values;
}

function valueAt(bytes: Buffer, at: number): (DerValue & { readonly end: number }) | undefined {
  const tag = bytes[at] as number;
  const first = bytes[at + 1];
  // Tags of more than one byte, and lengths that are not said, are not among these.
  if (first === undefined || (tag & 0x1f) === 0x1f || first === LONG) return undefined;
  const more = first < LONG ? 0 : first - LONG;
  const start = at + 2 + more;
  if (more > MAX_LENGTH_BYTES || start > bytes.length) return undefined;
  const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
  const end = start + length;
  return end > bytes.length ? undefined : { tag, content: bytes.subarray(start, end), end };
}

/** The values within one of this tag; undefined where it is another one. */
export function within(value: DerValue | undefined, tag: number): DerValue[] | undefined {
  return value?.tag === tag ? readDer(value.content) : undefined;
}
