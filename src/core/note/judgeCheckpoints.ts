/**
 * The checkpoints of a ledger held against its rows and against the keys that count: each must be a signed note of this
 * ledger, its root that of as many rows, and its key one that may sign tree heads. An unknown key says nothing about rows.
 */
import type { KnownTree } from '../anchor/heads';
import type { KeyTrust } from '../signing/trustWalk';
import type { Finding, FindingCode, Gap } from '../verdict';
import { fingerprintOf } from '../signing/keys';
import { checkNoteSignature, isBy, noteKeysOf } from './note';
import { parseTreeHead } from './checkpoint';
import type { SignedHead, TreeHead } from './checkpoint';

/** A file that has the name of a checkpoint. */
export interface CheckpointToJudge {
  /** `12.txt`. */
  readonly name: string;
  readonly size: number;
  readonly bytes: Buffer;
  /** Undefined where it is no note of a head of that size. */
  readonly checkpoint: SignedHead | undefined;
  /** Why it could not be read, where it could not. */
  readonly fault?: string | undefined;
}

export type TreeState = 'agrees' | 'disagrees' | 'not-checked' | 'none';
/** Of the key, or keys, that signed: `not-checked` where nobody is trusted to. */
export type HeadKeyState = 'trusted' | 'wrong' | 'not-checked' | 'none';

export interface CheckpointVerdict {
  readonly tree: TreeState;
  readonly key: HeadKeyState;
  readonly count: number;
  /** The rows under the newest one that agrees; null where none does. */
  readonly until: number | null;
  readonly findings: readonly Finding[];
}

export interface CheckpointGround {
  readonly origin: string | undefined;
  readonly tree: KnownTree;
  readonly trust: KeyTrust;
  /** When the last of so many rows was appended, in ms; undefined where that is not known. Who signed them did so later. */
  readonly timeOf: (size: number) => number | undefined;
  /** What is named as missing: a head over rows that are said to be lost cannot agree. */
  readonly gaps: readonly Gap[];
}

export function judgeCheckpoints(files: readonly CheckpointToJudge[], ground: CheckpointGround): CheckpointVerdict {
  const findings: Finding[] = [];
  let until: number | null = null;
  let unknownRoots = 0;
  const keys = new Set<HeadKeyState>();
  for (const file of files) {
    const { name, checkpoint } = file;
    if (checkpoint === undefined) {
      findings.push(notOne(file));
      continue;
    }
    const { head } = checkpoint;
    if (ground.origin !== undefined && head.origin !== ground.origin)
      findings.push(found('FOREIGN', head.size, `checkpoints/${name} of ${ground.origin}`, `one of ${head.origin}`));
    const key = judgeKey(name, checkpoint, ground);
    keys.add(typeof key === 'string' ? key : 'wrong');
    if (typeof key !== 'string') findings.push(key);
    const root = judgeRoot(name, head, ground);
    if (root === 'agrees') until = Math.max(until ?? 0, head.size);
    else if (root === 'not-checked') unknownRoots++;
    else findings.push(root);
  }
  const broke = findings.some(({ code }) => TREE_CODES.has(code));
  const tree = files.length === 0 ? 'none' : broke ? 'disagrees' : unknownRoots > 0 ? 'not-checked' : 'agrees';
  const key = (['wrong', 'not-checked', 'trusted'] as const).find((one) => keys.has(one)) ?? 'none';
  return { tree, key, count: files.length, until, findings };
}

const TREE_CODES: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'TRUNCATED',
  'DIVERGED',
  'CHECKPOINT_INVALID',
  'FOREIGN',
]);

function found(code: FindingCode, seq: number, want: string, got: string): Finding {
  return { code, seq, place: null, want, got };
}

/** A note that lost its signatures is told from what never was one. */
function notOne({ name, size, bytes, fault = 'another text' }: CheckpointToJudge): Finding {
  const text = bytes.toString('utf8');
  const isBare = [text, text.slice(0, text.indexOf('\n\n') + 1), `${text.trimEnd()}\n`].some((one) =>
    parseTreeHead(one),
  );
  if (isBare && !text.includes('\n\u2014 '))
    return found('SIGNATURE_MISSING', size, `a signature in checkpoints/${name}`, 'none');
  return found('CHECKPOINT_INVALID', size, `a signed note of ${size} rows in checkpoints/${name}`, fault);
}

function judgeRoot(
  name: string,
  { size, root }: TreeHead,
  { tree, gaps }: CheckpointGround,
): 'agrees' | 'not-checked' | Finding {
  // Rows that a row names as lost: what was signed over them cannot be had any more, and the gap says so.
  if (gaps.some((gap) => gap.kind === 'rows-lost' && gap.from_seq <= size)) return 'not-checked';
  if (size > tree.size)
    return found('TRUNCATED', size, `the ${size} rows that checkpoints/${name} was signed over`, `${tree.size} rows`);
  const own = tree.rootAt(size);
  if (own === undefined) return 'not-checked';
  if (own.equals(root)) return 'agrees';
  const want = `the root ${root.toString('base64')} of the first ${size} rows, as checkpoints/${name} has it`;
  return found('DIVERGED', size, want, `the root ${own.toString('base64')}`);
}

function judgeKey(
  name: string,
  { note, head }: SignedHead,
  { trust, timeOf }: CheckpointGround,
): HeadKeyState | Finding {
  const { size, origin } = head;
  const signatures = note.signatures.filter((one) => one.name === origin);
  if (signatures.length === 0)
    return found('SIGNATURE_MISSING', size, `a signature of ${origin} in checkpoints/${name}`, 'none of that name');
  const known = noteKeysOf(origin, trust.publicKeys.values());
  const own = known.filter((key) => signatures.some((one) => isBy(one, key)));
  const someone = known.some(({ publicKey }) => trust.mayTreeHead(publicKey, size) === 'trusted');
  if (own.length === 0) {
    if (!someone) return 'not-checked';
    const hash = signatures[0]?.keyHash.toString(16).padStart(8, '0');
    return found('UNKNOWN_KEY', size, `checkpoints/${name} signed by a key that is trusted here`, `one by key ${hash}`);
  }
  const forged = own.find((key) =>
    signatures.some((one) => isBy(one, key) && !checkNoteSignature(note.text, one, key)),
  );
  if (forged !== undefined)
    return found('SIGNATURE_INVALID', size, `a signature in checkpoints/${name} that holds`, 'one that does not');
  const atMs = timeOf(size);
  if (own.some(({ publicKey }) => trust.mayTreeHead(publicKey, size, atMs) === 'trusted')) return 'trusted';
  if (!someone) return 'not-checked';
  const want = `checkpoints/${name} signed by a key that may sign tree heads then`;
  const names = own.map(({ publicKey }) => fingerprintOf({ bytes: publicKey })).join(', ');
  return found('UNTRUSTED_KEY', size, want, `one by ${names}, which is trusted, and not for that, or no more`);
}
