/**
 * The quick way to read the file of a bundle: the text of its proofs stays text, and what is hashed are the bytes that are
 * there. It takes what our own writer writes, and nothing besides; any other file is read the exact way.
 */
import { orNothing } from '../errors';
import type { WrittenMembers } from './bundle';
import { proofsAt } from './inclusion';
import { bundleIn, plainJson } from './read';
import type { BundleReading, Places } from './read';

const PROOFS_MEMBER = ',"inclusion":';
const BEYOND_ASCII = /[\u0080-\u00ff]/;

export interface WrittenBundle {
  readonly reading: BundleReading;
  readonly written: WrittenMembers;
}

/**
 * One character beyond Latin-1, as every note has it, would make each of a million take twice the room, and twice the time:
 * so the bytes are taken for Latin-1, which all of JSON's own characters are in, and what is not ASCII is read again as what
 * it is.
 * @param bytes UTF-8
 * @returns undefined for what is to be read the exact way
 */
export function bundleOfBytes(bytes: Buffer): WrittenBundle | undefined {
  const text = bytes.toString('latin1');
  const at = text.indexOf(PROOFS_MEMBER);
  const listAt = at + PROOFS_MEMBER.length;
  const listed = at < 0 ? undefined : proofsAt(text, listAt);
  if (listed === undefined || text.includes(PROOFS_MEMBER, listed.end)) return undefined;
  const beginning = text.slice(0, listAt);
  const places: Places = new Map();
  const value = plainJson(`${beginning}[]${text.slice(listed.end)}`, places);
  // Nowhere else does the name stand where a member's may, but at the very beginning: there it would be another one.
  const isOwn = typeof value === 'object' && value !== null && Object.keys(value).indexOf('inclusion') > 0;
  // Nested deeper than the stack is: the exact way says so.
  const content = isOwn ? orNothing(() => fromLatin1(value)) : undefined;
  if (content === undefined) return undefined;
  const written = new Map([['inclusion', bytes.subarray(listAt, listed.end)]]);
  const [from = 0, to = 0] = places.get('events') ?? [];
  if (to > 0 && to < listAt) written.set('events', bytes.subarray(from, to));
  return { reading: bundleIn(content, listed.proofs), written };
}

/** The same value with the text that its bytes are. */
function fromLatin1(value: unknown): unknown {
  if (typeof value === 'string')
    return BEYOND_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromLatin1);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [fromLatin1(name), fromLatin1(inner)]));
}
