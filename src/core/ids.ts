/** Row ids: ULIDs that always grow, also when the clock does not. Randomness and the clock are arguments. */
import { encodeTime, incrementBase32 } from 'ulid';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Bytes of randomness that one ULID takes: one of 32 letters a byte. */
export const ULID_RANDOM_BYTES = 16;

const MAX_ULID_MS = 2 ** 48 - 1;

export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** The ULID of a moment. `random` holds at least 16 bytes. */
export function ulidAt(ms: number, random: Uint8Array): string {
  // A clock that stands before 1970 or far ahead still gives an id: its row tells the clock's reading in `ts`.
  let id = encodeTime(Math.min(Math.max(0, ms), MAX_ULID_MS), 10);
  for (let i = 0; i < ULID_RANDOM_BYTES; i++) id += ALPHABET[(random[i] as number) & 31];
  return id;
}

/** The clock's ULID, or the last id plus one where that is greater (a clock that went back, two rows in one millisecond). */
export function nextUlid(ms: number, random: Uint8Array, last: string): string {
  const fresh = ulidAt(ms, random);
  return fresh > last ? fresh : incrementBase32(last);
}
