/** What it takes to anchor a head, of whatever kind the anchor is. */
import { AnchorFailure } from '../../core/anchor/failure';
import type { AnchorEvidence } from '../../core/anchor/anchorRow';
import { headFinding, isSignedBy, knownBy } from '../../core/anchor/heads';
import type { KnownTree } from '../../core/anchor/heads';
import type { WitnessKey } from '../../core/anchor/witness';
import type { Host } from '../../core/host';
import { readSignedHead } from '../../core/note/checkpoint';
import type { TreeHead } from '../../core/note/checkpoint';
import type { NoteKey, NoteSignature } from '../../core/note/note';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import type { StatePaths } from '../paths';

/** The tree of the ledger, with the proofs that a witness wants. */
export interface ProvingTree extends KnownTree {
  consistency(size1: number, size2: number): Buffer[];
  close(): void;
}

/** How long who or what is asked may take. */
export interface AnchorLimits {
  readonly httpMs: number;
  readonly commandMs: number;
  readonly gitMs: number;
}

export const ANCHOR_LIMITS: AnchorLimits = { httpMs: 10_000, commandMs: 30_000, gitMs: 60_000 };

export interface AnchorContext {
  readonly paths: StatePaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: Pick<Host, 'nowMs' | 'random'>;
  readonly limits: AnchorLimits;
  /** Every key by which heads of this ledger were ever signed, as far as it counts here; none: nobody can tell. */
  readonly keys: readonly NoteKey[];
  readonly witnesses: readonly WitnessKey[];
  /** The stored tree as it is by now; undefined where there is none: heads are compared with the checkpoint alone. */
  readonly openTree: () => ProvingTree | undefined;
  /** The checkpoints before, the newest first. */
  readonly earlier: () => readonly StoredCheckpoint[];
}

export interface Anchored {
  readonly evidence: AnchorEvidence;
  /** For the file of the checkpoint. */
  readonly cosignatures?: readonly NoteSignature[];
}

/**
 * What stands where a head is to be put: nothing newer may be written over, and nothing that is not ours.
 * @param bytes undefined where there is nothing
 * @param where in words
 * @returns `newer`: a later head of this ledger is there already, and `same`: this one
 * @throws AnchorFailure
 */
export function judgeHeld(
  bytes: Buffer | undefined,
  where: string,
  { head }: StoredCheckpoint,
  context: Pick<AnchorContext, 'keys' | 'openTree'>,
): 'free' | 'older' | 'same' | 'newer' {
  if (bytes === undefined || bytes.length === 0) return 'free';
  const held = readSignedHead(bytes);
  if (held === undefined) throw occupied(where, 'what is no head of a ledger');
  if (held.head.origin !== head.origin) throw occupied(where, 'a head of another ledger');
  if (!isSignedBy(held, context.keys)) throw occupied(where, 'a head that no key signed which is trusted here');
  const finding = withTree(context, (tree) => headFinding(held.head, treeBeyond(head, tree), where));
  if (finding !== undefined)
    throw new AnchorFailure(finding.code, `${where} to hold a head that this ledger goes on from`, {
      found: `${finding.want ?? ''} where this ledger has ${finding.got ?? ''}`,
      finding,
      hint: 'nothing was written over: keep that head, and run "ledger verify"',
    });
  if (held.head.size === head.size) return 'same';
  return held.head.size > head.size ? 'newer' : 'older';
}

export function withTree<T>(
  { openTree }: Pick<AnchorContext, 'openTree'>,
  use: (tree: ProvingTree | undefined) => T,
): T {
  const tree = openTree();
  try {
    return use(tree);
  } finally {
    tree?.close();
  }
}

/** Others may have made a checkpoint since, and anchored that: a tree that was opened before would not know its rows. */
function treeBeyond(head: TreeHead, tree: KnownTree | undefined): KnownTree {
  return tree !== undefined && tree.size >= head.size ? tree : knownBy(head);
}

function occupied(where: string, found: string): AnchorFailure {
  return new AnchorFailure(found, `nothing but heads of this ledger at ${where}`, {
    hint: 'nothing was written over: look at it, move it away, or name another place',
  });
}
