/** Row ids: ULIDs that always grow, also when the clock does not. Randomness and the clock are arguments. */
import { encodeTime } from 'ulid';
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

/** The ULID of a moment. `random` holds at least 16 bytes. */
export function ulidAt(ms: number, random: Uint8Array): string {
  // A clock that stands before 1970 or far ahead still gives an id: its row tells the clock's reading in `ts`.
  let id = encodeTime(Math.min(Math.max(0, ms), MAX_ULID_MS), TIME_LETTERS);
  for (let i = 0; i < ULID_RANDOM_BYTES; i++) id += ALPHABET[(random[i] as number) & 31];
  return id;
}

/**
 * The clock's ULID, or the last id plus one where the clock stands at its millisecond or before: two rows in one
 * millisecond, a clock that went back.
 */
export function nextUlid(ms: number, random: Uint8Array, last: string): string {
  const fresh = ulidAt(ms, random);
  return fresh.slice(0, TIME_LETTERS) > last.slice(0, TIME_LETTERS) ? fresh : following(last);
}

/** The next ULID in order: the last letter that is not Z goes up, the Zs behind it start over. */
function following(id: string): string {
  let at = id.length - 1;
  while (id[at] === 'Z') at--;
  invariant(at > 0 || (id[at] ?? '7') < '7', 'the last ULID there is was given out');
  const letter = ALPHABET[ALPHABET.indexOf(id[at] as string) + 1] as string;
  return `${id.slice(0, at)}${letter}${'0'.repeat(id.length - 1 - at)}`;
}
