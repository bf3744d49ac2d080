/**
 * Which lines of a chunk are surely complete JSON objects? The cheap question of `sweep`: hashes and links are not looked
 * at. A line that is not surely one is only a candidate; `completeObject` decides about it.
 */
import { newLineFacts, scanLine } from './lineScan';

const NEWLINE = 0x0a;
const facts = newLineFacts({ stepsOverHashes: false });

export interface ChunkForm {
  readonly lines: number;
  /** For each candidate: its line (from 0), its start and its end (its newline), counted from the start of the chunk. */
  readonly candidates: readonly (readonly [line: number, from: number, to: number])[];
}

/** @param bytes `from` to `to` are whole lines, each ended by a newline */
export function scanForm(bytes: Buffer, from: number, to: number): ChunkForm {
  const candidates: [number, number, number][] = [];
  let lines = 0;
  for (let at = from; at < to; lines++) {
    let end = scanLine(bytes, at, facts);
    if (end < 0 || end >= to) {
      end = bytes.indexOf(NEWLINE, at);
      candidates.push([lines, at - from, end - from]);
    }
    at = end + 1;
  }
  return { lines, candidates };
}
