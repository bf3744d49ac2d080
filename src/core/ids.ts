/** Row ids: ULIDs that always grow, also when the clock does not. Randomness and the clock are arguments. */
import { decodeTime, encodeTime } from 'ulid';
import { invariant } from './errors';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Bytes of randomness that one ULID takes: one of 32 letters a byte. */
export const ULID_RANDOM_BYTES = 16;

const TIME_LETTERS = 10;
const MAX_ULID_MS = 2 ** 48 - 1;

export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** The moment of a ULID. */
export function ulidMs(id: string): number {
  return decodeTime(id);
}

/** The ULID of a moment. `random` holds at least 16 bytes. */
export function ulidAt(ms: number, random: Uint8Array): string {
  return timeLetters(ms) + randomLetters(random);
}

/** A clock that stands before 1970 or far ahead still gives an id: its row tells the clock's reading in `ts`. */
function timeLetters(ms: number): string {
  return encodeTime(Math.min(Math.max(0, ms), MAX_ULID_MS), TIME_LETTERS);
}

function randomLetters(random: Uint8Array): string {
  let letters = '';
  for (let i = 0; i < ULID_RANDOM_BYTES; i++) letters += ALPHABET[(random[i] as number) & 31];
  return letters;
}

/**
 * The clock's ULID, or the last id plus one where the clock stands at its millisecond or before: two rows in one
 * millisecond, a clock that went back.
 */
export function nextUlid(ms: number, random: Uint8Array, last: string): string {
  const time = timeLetters(ms);
  return time > last.slice(0, TIME_LETTERS) ? time + randomLetters(random) : ulidAfter(last);
}

/** The next ULID in order: the last letter that is not Z goes up, the Zs behind it start over. */
export function ulidAfter(id: string): string {
  let at = id.length - 1;
  while (id[at] === 'Z') at--;
  invariant(at > 0 || (id[at] ?? '7') < '7', 'the last ULID there is was given out');
  const letter = ALPHABET[ALPHABET.indexOf(id[at] as string) + 1] as string;
  return `${id.slice(0, at)}${letter}${'0'.repeat(id.length - 1 - at)}`;
}
