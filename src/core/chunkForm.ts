/**
 * Which lines of a chunk are surely complete JSON objects? The cheap question of `sweep`: hashes and links are not looked
 * at. A line that is not surely one is only a candidate; `completeObject` decides about it.
 */
import { emptyDigest } from './indexDigest';
import type { IndexDigest } from './indexDigest';
import * as member from './lineScan';
import { memberBits, newLineFacts, scanLine } from './lineScan';
import { isRowForm } from './regularRow';
import { integerAt, isTextAt } from './rowBytes';
import { accumulateLine } from './rowDigest';

const NEWLINE = 0x0a;
const facts = newLineFacts({ stepsOverHashes: false });
const RUN = memberBits(member.RUN_ID, member.RUN_SEQ);
const DECISION = memberBits(member.DECISION_ID, member.DECISION_SEQ);

type FormLine = readonly [line: number, from: number, to: number];

export interface ChunkForm {
  readonly lines: number;
  /** For each candidate: its line (from 0), its start and its end (its newline), counted from the start of the chunk. */
  readonly candidates: readonly FormLine[];
  /** The index's fingerprint, where it was asked for, of all lines but the `odd` ones: those must be read exactly. */
  readonly digest: IndexDigest | undefined;
  readonly odd: readonly FormLine[];
}

/** How far a fingerprint reaches: the rows up to this seq that begin before that byte of their segment. */
export interface DigestEnd {
  readonly seq: number;
  readonly bytes: number;
}

/** The index's fingerprint of these rows is wanted; the chunk begins at `offset` of its segment. */
export interface FormDigest {
  readonly upTo: DigestEnd;
  readonly offset: number;
}

/** @param bytes `from` to `to` are whole lines, each ended by a newline */
export function scanForm(bytes: Buffer, from: number, to: number, wanted?: FormDigest): ChunkForm {
  const candidates: FormLine[] = [];
  const odd: FormLine[] = [];
  const digest = wanted === undefined ? undefined : emptyDigest();
  let lines = 0;
  for (let at = from; at < to; lines++) {
    let end = scanLine(bytes, at, facts);
    if (end < 0 || end >= to) {
      end = bytes.indexOf(NEWLINE, at);
      candidates.push([lines, at - from, end - from]);
    } else if (digest !== undefined && wanted !== undefined) {
      const offset = wanted.offset + at - from;
      if (offset < wanted.upTo.bytes && !digestLine(digest, bytes, at, end, offset, wanted.upTo.seq))
        odd.push([lines, at - from, end - from]);
    }
    at = end + 1;
  }
  return { lines, candidates, digest, odd };
}

/** False where the line that was scanned last is no row in good form: what the index has of it takes the exact reading. */
function digestLine(
  digest: IndexDigest,
  bytes: Buffer,
  start: number,
  end: number,
  offset: number,
  upToSeq: number,
): boolean {
  if (!isRowForm(bytes, end, facts)) return false;
  const seq = integerAt(bytes, facts.from[member.SEQ] as number, facts.to[member.SEQ] as number);
  if (seq > upToSeq) return true;
  const action = (facts.from[member.ACTION] as number) + 1;
  // a u . : the ledger's own rows; few, but a tombstone is among them.
  const own = bytes[action] === 0x61 && bytes.toString('latin1', action, action + 6) === 'audit.';
  if (own ? isTextAt(bytes, action - 1, 'audit.tombstone') : !hasPlaces(bytes, RUN) || !hasPlaces(bytes, DECISION))
    return false;
  accumulateLine(digest, bytes, { seq, start, end, offset, own }, facts);
  return true;
}

/** In no such stream, or with a place in it. */
function hasPlaces(bytes: Buffer, stream: number): boolean {
  const seen = facts.seen & stream;
  if (seen === 0) return true;
  const seq = stream === RUN ? member.RUN_SEQ : member.DECISION_SEQ;
  return seen === stream && integerAt(bytes, facts.from[seq] as number, facts.to[seq] as number) >= 1;
}
