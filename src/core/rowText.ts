/**
 * Reading one line back, without trust: is it a whole JSON object at all, and if so, is it a row whose own hash is right?
 * A line that is not a complete JSON object is torn. A complete one with a wrong hash is tampering; nothing heals it.
 */
import { declaredLinks, hashOfLine } from './chain';
import type { Row } from './members';

export type LineReading =
  /** Not a complete JSON object: cut short, NUL bytes, garbage. */
  | { readonly kind: 'torn' }
  /** A whole row whose declared hash is the hash of its bytes. */
  | { readonly kind: 'row'; readonly row: Row }
  /** A tombstone: a named gap. Its hash is declared, not computed. */
  | {
      readonly kind: 'tombstone';
      readonly seq: number;
      readonly lastSeq: number;
      readonly prevHash: string;
      readonly hash: string;
    }
  /** A complete JSON object that is no row, or a row whose hash is wrong. */
  | { readonly kind: 'wrong'; readonly why: string };

/** No row is longer; what is, is not looked into. */
const MAX_LOOKED_INTO_BYTES = 16 << 20;

/** @param line the bytes of one line without its newline */
export function readLine(line: Buffer): LineReading {
  const value = completeObject(line);
  if (value === undefined) return { kind: 'torn' };
  const links = declaredLinks(line);
  if (links === undefined) return { kind: 'wrong', why: 'a JSON object that does not end as a row does' };
  const { seq, action } = value;
  if (typeof seq !== 'number' || typeof action !== 'string')
    return { kind: 'wrong', why: 'a JSON object that is no row' };
  if (action === 'audit.tombstone') {
    const lastSeq = typeof value['last_seq'] === 'number' ? value['last_seq'] : seq;
    return { kind: 'tombstone', seq, lastSeq, ...links };
  }
  const hash = hashOfLine(line);
  if (hash !== links.hash)
    return { kind: 'wrong', why: `row ${seq} declares hash ${links.hash}, its bytes give ${hash}` };
  return { kind: 'row', row: value as unknown as Row };
}

/** The object that a line is, or undefined where it is not a complete JSON object. Invalid UTF-8 inside strings does not make a line torn. */
export function completeObject(line: Buffer): Record<string, unknown> | undefined {
  if (line[0] !== 0x7b || line[line.length - 1] !== 0x7d || line.length > MAX_LOOKED_INTO_BYTES) return undefined;
  try {
    return JSON.parse(line.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
