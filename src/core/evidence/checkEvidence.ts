/** What a file that is to prove something says, held against itself: everything but who signed its checkpoints. */
import type { Row } from '../members';
import { readLine } from '../rowText';
import type { LineReading } from '../rowText';
import { HASH_BYTES, leafHash } from '../tree/merkle';
import { verifyConsistency, verifyInclusion } from '../tree/proof';
import type { SignedHead } from '../note/checkpoint';
import type { ConsistencyFile, EvidenceFile, InclusionFile } from './evidenceFile';

export type FileFaultCode =
  /** The row's bytes have another hash than it says, or it is no row. */
  | 'CONTENT_ALTERED'
  /** The hashes do not lead from what is to be proved to the root. */
  | 'PROOF_WRONG'
  /** Two checkpoints that do not contradict each other. */
  | 'NO_EQUIVOCATION'
  | 'SIGNATURE_INVALID'
  | 'UNKNOWN_KEY'
  | 'UNTRUSTED_KEY';

export interface FileFault {
  readonly code: FileFaultCode;
  readonly want: string;
  readonly got: string;
}

export interface ProvedRow {
  readonly seq: number;
  readonly hash: string;
  /** The stored line; null where the file has the hash alone. */
  readonly line: string | null;
  readonly row: Row | undefined;
}

/** The row that an inclusion proof is of, or what is wrong with it. */
export function rowOf({ extra, index }: InclusionFile): ProvedRow | FileFault {
  const seq = index + 1;
  if (extra.length === HASH_BYTES) return { seq, hash: extra.toString('hex'), line: null, row: undefined };
  const reading = readLine(extra);
  if (reading.kind !== 'row')
    return { code: 'CONTENT_ALTERED', want: 'a row whose hash is that of its bytes', got: foundIn(reading) };
  const { row } = reading;
  if (row.seq !== seq) return { code: 'PROOF_WRONG', want: `row ${seq}, as the index says`, got: `row ${row.seq}` };
  return { seq, hash: row.hash, line: extra.toString('utf8'), row };
}

function foundIn(reading: Exclude<LineReading, { readonly kind: 'row' }>): string {
  if (reading.kind === 'wrong') return reading.why;
  return reading.kind === 'torn' ? 'no JSON object' : 'a tombstone, which declares the hash of a row that is gone';
}

/** @returns undefined where it proves what it is to prove, as far as its checkpoints hold */
export function faultOf(file: EvidenceFile): FileFault | undefined {
  switch (file.kind) {
    case 'inclusion':
      return inclusionFault(file);
    case 'consistency':
      return consistencyFault(file);
    case 'equivocation':
      return equivocationFault(file);
    case 'checkpoint':
      return undefined;
  }
}

function inclusionFault(file: InclusionFile): FileFault | undefined {
  const { hashes, index, checkpoint } = file;
  const row = rowOf(file);
  if ('code' in row) return row;
  const { size, root } = checkpoint.head;
  const leaf = leafHash(Buffer.from(row.hash, 'hex'));
  if (verifyInclusion({ index: BigInt(index), size: BigInt(size), leaf, proof: hashes, root })) return undefined;
  const want = `hashes that lead from row ${row.seq} to the root of the tree over ${size} rows`;
  return { code: 'PROOF_WRONG', want, got: index < size ? 'others' : 'a row that the tree has not' };
}

function consistencyFault({ older, newer, hashes }: ConsistencyFile): FileFault | undefined {
  const origin = originFault(older, newer, 'PROOF_WRONG');
  if (origin !== undefined) return origin;
  const [one, two] = [older.head, newer.head];
  const sizes = { size1: BigInt(one.size), size2: BigInt(two.size) };
  if (verifyConsistency({ ...sizes, root1: one.root, root2: two.root, proof: hashes })) return undefined;
  if (one.size === 0) return { code: 'PROOF_WRONG', want: 'an older ledger of one row or more', got: 'an empty one' };
  const want = `hashes that show ${one.size} rows to be the beginning of ${two.size}`;
  return { code: 'PROOF_WRONG', want, got: one.size > two.size ? 'the larger ledger first' : 'others' };
}

/** What is missing for two checkpoints to contradict each other; who signed them is another question. */
export function equivocationFault({ one, other }: Record<'one' | 'other', SignedHead>): FileFault | undefined {
  const origin = originFault(one, other, 'NO_EQUIVOCATION');
  if (origin !== undefined) return origin;
  const fault = (want: string, got: string): FileFault => ({ code: 'NO_EQUIVOCATION', want, got });
  if (one.head.size !== other.head.size)
    return fault('two checkpoints of one size', `${one.head.size} and ${other.head.size} rows`);
  if (one.head.root.equals(other.head.root))
    return fault('two roots', `one and the same, ${one.head.root.toString('base64')}`);
  if (!one.note.signatures.some((mine) => other.note.signatures.some((theirs) => isSameKey(mine, theirs, one))))
    return fault(`one key that signed both as "${one.head.origin}"`, 'none that is on both');
  return undefined;
}

function isSameKey(
  mine: SignedHead['note']['signatures'][number],
  theirs: SignedHead['note']['signatures'][number],
  { head }: SignedHead,
): boolean {
  return mine.name === head.origin && mine.name === theirs.name && mine.keyHash === theirs.keyHash;
}

function originFault(one: SignedHead, other: SignedHead, code: FileFaultCode): FileFault | undefined {
  const [want, got] = [one.head.origin, other.head.origin];
  return want === got ? undefined : { code, want: 'two checkpoints of one ledger', got: `"${want}" and "${got}"` };
}
