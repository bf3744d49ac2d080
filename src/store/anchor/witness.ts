/**
 * A witness (C2SP tlog-witness): it remembers the last head that it has seen of a ledger, and signs a newer one once it is
 * proved that the ledger only grew. Its signature goes into the note of the checkpoint, where anybody can check it.
 */
import { AnchorFailure } from '../../core/anchor/failure';
import { diverged, rollback } from '../../core/anchor/heads';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName, shownUrl } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { cosignaturesIn, sizeInConflict, witnessRequest } from '../../core/anchor/witness';
import type { Cosignature, WitnessKey } from '../../core/anchor/witness';
import { signatureLine } from '../../core/note/note';
import type { Finding } from '../../core/verdict';
import { formatTime } from '../../core/time';
import { withTree } from './context';
import type { AnchorContext, Anchored } from './context';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { post, refused } from './http';
import type { Answer } from './http';

export type WitnessTarget = AnchorTarget & { readonly kind: 'witness' };

const SIZE_TYPE = 'text/x.tlog.size';
const MEANINGS: Readonly<Record<number, string>> = {
  400: 'it did not understand the question',
  403: 'it does not trust the key of this ledger',
  404: 'it does not know this ledger, by its origin',
  422: 'it has seen another ledger of this origin',
};

export async function anchorByWitness(
  target: WitnessTarget,
  checkpoint: StoredCheckpoint,
  context: AnchorContext,
): Promise<Anchored> {
  if (context.witnesses.length === 0)
    throw new AnchorFailure(
      'no key of a witness is trusted',
      'the key of the witness among those that are trusted here',
      {
        found: 'none in the role "witness"',
        hint: 'ledger key trust FILE.pub --actor NAME-OF-THE-WITNESS --role witness',
      },
    );
  const guess = lastCosigned(context);
  let answer = await submit(target, checkpoint, guess, context);
  const seen = answer.status === 409 ? sizeSeen(answer) : undefined;
  if (seen !== undefined && seen !== guess && seen <= checkpoint.head.size)
    answer = await submit(target, checkpoint, seen, context);
  if (answer.status !== 200) throw notTaken(target, checkpoint, answer, context);
  return cosigned(target, checkpoint, answer.body.toString(), context);
}

async function submit(
  target: WitnessTarget,
  checkpoint: StoredCheckpoint,
  oldSize: number,
  context: AnchorContext,
): Promise<Answer> {
  const { size } = checkpoint.head;
  const proof = oldSize === 0 || oldSize === size ? [] : proofFrom(oldSize, size, context);
  const body = witnessRequest(oldSize, proof, checkpoint.bytes.toString());
  if (body === undefined) throw new AnchorFailure('a proof that is too long', 'a proof that a witness takes');
  const url = `${target.url.replace(/\/*$/, '')}/add-checkpoint`;
  return post({ url, type: 'application/octet-stream', body, timeoutMs: context.limits.httpMs });
}

function proofFrom(oldSize: number, size: number, context: AnchorContext): readonly Buffer[] {
  return withTree(context, (tree) => {
    if (tree !== undefined) return tree.consistency(oldSize, size);
    throw new AnchorFailure('no tree', 'the stored tree of this ledger, to prove that it only grew', {
      hint: 'ledger checkpoint --full',
    });
  });
}

/** The last head that a witness has signed: most likely the last one that this one knows. What it knows it says, else. */
function lastCosigned({ earlier, witnesses, host }: AnchorContext): number {
  for (const checkpoint of earlier()) {
    if (countingIn(checkpoint, witnesses, host.nowMs()).length > 0) return checkpoint.head.size;
  }
  return 0;
}

/** The cosignatures of a checkpoint that count; none where one of them is forged. */
function countingIn(
  { note }: Pick<StoredCheckpoint, 'note'>,
  keys: readonly WitnessKey[],
  nowMs: number,
): readonly Cosignature[] {
  const found = cosignaturesIn(note.text, note.signatures.map(signatureLine).join(''), keys, nowMs);
  return found.kind === 'cosigned' ? found.by : [];
}

function sizeSeen({ type, body }: Answer): number | undefined {
  return type.split(';')[0]?.trim() === SIZE_TYPE ? sizeInConflict(body.toString()) : undefined;
}

function notTaken(
  target: WitnessTarget,
  { head }: StoredCheckpoint,
  answer: Answer,
  context: AnchorContext,
): AnchorFailure {
  const rows = withTree(context, (tree) => Math.max(tree?.size ?? 0, head.size));
  const finding = contradiction(target, head, answer, rows);
  if (finding === undefined) return refused(target.url, answer, MEANINGS[answer.status]);
  return new AnchorFailure(finding.code, `${anchorName(target)} to have seen a head that this ledger goes on from`, {
    found: `${finding.want ?? ''} where this ledger has ${finding.got ?? ''}`,
    finding,
    hint: 'run "ledger verify"; what the witness has seen, its keeper can show',
  });
}

/** It has seen more rows than there are, or others. */
function contradiction(
  target: WitnessTarget,
  { size, root }: StoredCheckpoint['head'],
  answer: Answer,
  rows: number,
): Finding | undefined {
  const where = anchorName(target);
  if (answer.status === 422) return diverged(size, undefined, root, where);
  const seen = answer.status === 409 ? sizeSeen(answer) : undefined;
  if (seen === undefined) return undefined;
  if (seen > rows) return rollback(seen, rows, where);
  return seen === size ? diverged(size, undefined, root, where) : undefined;
}

function cosigned(target: WitnessTarget, { note }: StoredCheckpoint, lines: string, context: AnchorContext): Anchored {
  const found = cosignaturesIn(note.text, lines, context.witnesses, context.host.nowMs());
  if (found.kind !== 'cosigned') {
    const what =
      found.kind === 'forged' ? 'a signature that is not of this head' : 'no signature by a key that is trusted';
    throw new AnchorFailure(what, `a cosignature of the head from ${shownUrl(target.url)}`);
  }
  const [first] = found.by;
  return {
    evidence: { witness: found.by.map(({ by }) => by).join(' '), time: formatTime(first?.atMs ?? 0) },
    cosignatures: found.by.map(({ signature }) => signature),
  };
}

/**
 * The newest checkpoint that each witness has signed.
 * @param checkpoints the newest first
 */
export function lookAtWitnesses(
  checkpoints: readonly StoredCheckpoint[],
  witnesses: readonly WitnessKey[],
  nowMs: number,
): AnchorLook[] {
  const newest = new Map<string, AnchorLook>();
  for (const { head, note } of checkpoints) {
    if (newest.size === witnesses.length) break;
    for (const { by, atMs } of countingIn({ note }, witnesses, nowMs)) {
      if (newest.has(by)) continue;
      newest.set(by, { to: `witness:${by}`, found: { kind: 'head', held: { head, note }, by, sinceMs: atMs } });
    }
  }
  return [...newest.values()];
}
