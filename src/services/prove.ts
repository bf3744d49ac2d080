/** `ledger prove`: files by which somebody who has nothing else of a ledger checks what was in it, and that it only grew. */
import { LedgerError } from '../core/errors';
import { equivocationFault, faultOf } from '../core/evidence/checkEvidence';
import { formatEvidence, headsOf } from '../core/evidence/evidenceFile';
import type { EvidenceFile } from '../core/evidence/evidenceFile';
import { judgeHead } from '../core/evidence/headKeys';
import type { SignedHead, TreeHead } from '../core/note/checkpoint';
import { leafHash } from '../core/tree/merkle';
import { hidesContent, openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { createEvidence, refuseTaken } from '../store/evidence/newEvidence';
import { listCheckpoints, newestCheckpoint, readCheckpoint } from '../store/checkpoint/checkpoints';
import { findHeadKeys } from '../store/evidence/findHeadKeys';
import { readEvidence } from '../store/evidence/readEvidence';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import type { StatePaths } from '../store/paths';
import { findLines } from '../store/read/find';
import { openTree } from '../store/tree/treeReader';
import type { TreeReader } from '../store/tree/treeReader';

export interface Proved {
  readonly kind: EvidenceFile['kind'];
  readonly origin: string;
  /** The sizes of the checkpoints in it. */
  readonly sizes: readonly number[];
  readonly hashes: number;
  /** Of a row: its place, and whether the file has its line; else its hash alone. */
  readonly row: { readonly seq: number; readonly hash: string; readonly shown: boolean } | null;
  /** Whether the signatures were checked by a trusted key: those of an equivocation alone. */
  readonly signatures: 'checked' | 'not-checked';
  /** The file. */
  readonly proof: string;
}

export interface RowAsked {
  readonly place: Place;
  readonly seq: number;
  /** Of which checkpoint; default: the newest. */
  readonly size?: number | undefined;
  readonly hashOnly: boolean;
  readonly reading: ReadAsked;
}

/** @throws LedgerError NOT_FOUND, LEDGER_MISSING, LEDGER_BROKEN, TREE_WRONG, READ_FAILED; as `openContent` */
export async function proveRow({ place, seq, size, hashOnly, reading: asked }: RowAsked): Promise<Proved> {
  const { paths } = locate(place);
  presentSegments(paths);
  // Who gives no reason where one is asked for gets what shows nothing.
  const isHidden = hashOnly || (asked.reason === undefined && hidesContent(place));
  const reading = isHidden ? undefined : await openContent(place, { command: 'prove', sought: String(seq) }, asked);
  const checkpoint = size === undefined ? newest(paths) : ofSize(paths, size);
  const { head } = checkpoint;
  if (seq > head.size)
    throw new LedgerError('NOT_FOUND', `expected a row that a checkpoint covers, up to ${head.size}, found ${seq}`, {
      hint: size === undefined ? '"ledger checkpoint" signs the rows since' : 'leave out --size: the newest is taken',
    });
  const proof = await withTree(paths, [checkpoint], async (tree) => {
    const index = seq - 1;
    const { line, hash } = await rowInTree(paths, seq, tree.leafAt(index));
    const extra = isHidden || line === undefined ? Buffer.from(hash, 'hex') : line;
    const shown = extra === line;
    const file = { kind: 'inclusion', extra, index, hashes: tree.inclusion(index, head.size), checkpoint } as const;
    return proved(file, { seq, hash, shown });
  });
  await reading?.record();
  return proof;
}

/** The row whose leaf stands in the tree; of a tombstone no more than the hash that it declares is proved. */
async function rowInTree(paths: StatePaths, seq: number, leaf: Buffer): Promise<{ line?: Buffer; hash: string }> {
  const found = await findLines(paths, { kind: 'seq', seq });
  for (const { line, reading } of found) {
    if (reading.kind !== 'row' && reading.kind !== 'tombstone') continue;
    const { hash } = reading.kind === 'row' ? reading.row : reading;
    if (leafHash(Buffer.from(hash, 'hex')).equals(leaf)) return reading.kind === 'row' ? { line, hash } : { hash };
  }
  const got = found.length === 0 ? 'none' : 'another';
  throw new LedgerError('LEDGER_BROKEN', `expected row ${seq} as it was when the tree was made, found ${got}`, {
    hint: '"ledger verify" says what became of it; if that is intact, "ledger checkpoint --full" makes the tree anew',
  });
}

/**
 * That a ledger only grew from one checkpoint to another.
 * @param words sizes of checkpoints that are stored, or files with one; the second may be missing: the newest
 * @throws LedgerError USAGE, NOT_FOUND, LEDGER_MISSING, TREE_WRONG, DIVERGED, READ_FAILED, EVIDENCE_INVALID
 */
export async function proveConsistency(place: Place, [first, second]: readonly string[]): Promise<Proved> {
  const { paths } = locate(place);
  presentSegments(paths);
  const older = named(paths, first ?? '');
  const newer = second === undefined ? newest(paths) : named(paths, second);
  const [size1, size2] = [older.head.size, newer.head.size];
  if (size1 > size2 || size1 === 0)
    throw new LedgerError(
      'USAGE',
      `expected the smaller of two sizes first, of 1 or more, found ${size1} and ${size2}`,
    );
  return withTree(paths, [older, newer], (tree) =>
    proved({ kind: 'consistency', hashes: tree.consistency(size1, size2), older, newer }),
  );
}

/**
 * @param files with a checkpoint each
 * @throws LedgerError READ_FAILED, EVIDENCE_INVALID with what they are where they are no contradiction
 */
export async function proveEquivocation(
  place: Place,
  files: readonly [string, string],
  keys: readonly string[],
): Promise<Proved> {
  const [one, other] = [checkpointIn(files[0]), checkpointIn(files[1])];
  const trusted = await findHeadKeys(place, keys, one.head.origin);
  const judged = [one, other].map((signed) => judgeHead(signed, trusted));
  const fault = equivocationFault({ one, other }) ?? judged.find((judgement) => judgement.fault !== undefined)?.fault;
  if (fault !== undefined)
    throw new LedgerError('EVIDENCE_INVALID', `expected ${fault.want}, found ${fault.got}`, {
      hint: 'an equivocation is two checkpoints of one ledger and one size, with two roots, that one key signed',
    });
  const isChecked = judged.every(({ signedBy }) => signedBy.length > 0);
  return { ...proved({ kind: 'equivocation', one, other }), signatures: isChecked ? 'checked' : 'not-checked' };
}

/**
 * Whether a proof may go there: to be asked first, as who takes a row may have to say why in another.
 * @throws LedgerError NOT_WRITABLE, UNSAFE_PATH
 */
export function refuseTakenPlace(place: Place, path: string): void {
  refuseTaken(path, locate(place).paths.dir);
}

/** @throws LedgerError NOT_WRITABLE */
export function writeProof(path: string, { proof }: Proved): void {
  createEvidence(path, proof);
}

/** What was read from the tree is held against the roots before it leaves the house. */
function proved(file: EvidenceFile, row: Proved['row'] = null): Proved {
  const fault = faultOf(file);
  if (fault !== undefined) throw wrongTree(`expected ${fault.want}, found ${fault.got}`);
  const [first, ...rest] = headsOf(file);
  return {
    kind: file.kind,
    origin: first.head.origin,
    sizes: [first, ...rest].map(({ head }) => head.size),
    hashes: 'hashes' in file ? file.hashes.length : 0,
    row,
    signatures: 'not-checked',
    proof: formatEvidence(file),
  };
}

async function withTree<T>(
  paths: StatePaths,
  checkpoints: readonly SignedHead[],
  use: (tree: TreeReader) => T | Promise<T>,
): Promise<T> {
  const tree = openTree(paths);
  const needed = Math.max(...checkpoints.map(({ head }) => head.size));
  try {
    if (tree === undefined || tree.size < needed)
      throw wrongTree(`expected the stored tree to reach row ${needed}, found ${tree?.size ?? 'none'}`);
    for (const { head } of checkpoints) if (!tree.rootAt(head.size).equals(head.root)) throw otherRoot(paths, head);
    return await use(tree);
  } finally {
    tree?.close();
  }
}

function wrongTree(message: string): LedgerError {
  return new LedgerError('TREE_WRONG', message, {
    hint: '"ledger checkpoint --full" makes the tree anew from the rows; if they are others than were signed, "ledger verify" says so',
  });
}

function otherRoot(paths: StatePaths, { size, root }: TreeHead): LedgerError {
  const message = `expected the stored tree to have at ${size} rows the root that was signed, ${root.toString('base64')}, found another`;
  const own = readCheckpoint(paths, size).checkpoint?.head.root;
  if (own === undefined || own.equals(root)) return wrongTree(message);
  return new LedgerError('DIVERGED', message, {
    hint: `here another was signed at this size, checkpoints/${size}.txt: "ledger prove --equivocation" makes a report of both`,
  });
}

function newest(paths: StatePaths): SignedHead {
  const checkpoint = newestCheckpoint(paths);
  if (checkpoint !== undefined) return checkpoint;
  throw new LedgerError('NOT_FOUND', 'expected a checkpoint, found none', {
    hint: '"ledger checkpoint" makes one: it signs the tree over all rows',
  });
}

function ofSize(paths: StatePaths, size: number): SignedHead {
  const { checkpoint } = readCheckpoint(paths, size);
  if (checkpoint !== undefined) return checkpoint;
  const sizes = listCheckpoints(paths).map((one) => one.head.size);
  const nearest = sizes.sort((a, b) => Math.abs(a - size) - Math.abs(b - size)).slice(0, MAX_NAMED);
  const found = sizes.length === 0 ? 'none' : `some of ${nearest.sort((a, b) => a - b).join(', ')}`;
  throw new LedgerError('NOT_FOUND', `expected a checkpoint of ${size} rows, found ${found}`, {
    ...(sizes.length > MAX_NAMED ? { hint: `of ${sizes.length} these are the nearest` } : {}),
  });
}

const MAX_NAMED = 5;
const SIZE = /^[1-9][0-9]{0,14}$/;

function named(paths: StatePaths, word: string): SignedHead {
  return SIZE.test(word) ? ofSize(paths, Number(word)) : checkpointIn(word);
}

function checkpointIn(path: string): SignedHead {
  const file = readEvidence(path);
  if (file.kind === 'checkpoint') return file.checkpoint;
  throw new LedgerError(
    'EVIDENCE_INVALID',
    `${path}: expected a checkpoint, found a file of another kind: ${file.kind}`,
  );
}
