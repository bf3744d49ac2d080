/**
 * A witness (C2SP tlog-witness): it remembers the last head that it has seen of a ledger, and signs a newer one once it is
 * proved that the ledger only grew. Its signature goes into the note of the checkpoint, where anybody can check it.
 */
import { AnchorFailure } from '../../core/anchor/failure';
import { diverged, rollback } from '../../core/anchor/heads';
import type { AnchorRecord } from '../../core/anchor/anchorRow';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName, shownUrl } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { cosignaturesIn, sizeInConflict, witnessRequest } from '../../core/anchor/witness';
import type { Cosignature, WitnessKey } from '../../core/anchor/witness';
import { signatureLine } from '../../core/note/note';
import type { Finding } from '../../core/verdict';
import { formatTime } from '../../core/time';
import type { AnchorContext, Anchored, Checkpoint } from './context';
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
  checkpoint: Checkpoint,
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
  checkpoint: Checkpoint,
  oldSize: number,
  context: AnchorContext,
): Promise<Answer> {
  const { size } = checkpoint.head;
  const proof = oldSize === 0 || oldSize === size ? [] : provingTree(context).consistency(oldSize, size);
  const body = witnessRequest(oldSize, proof, checkpoint.bytes.toString());
  if (body === undefined) throw new AnchorFailure('a proof that is too long', 'a proof that a witness takes');
  const url = `${target.url.replace(/\/*$/, '')}/add-checkpoint`;
  return post({ url, type: 'application/octet-stream', body, timeoutMs: context.limits.httpMs });
}

function provingTree({ tree }: AnchorContext): NonNullable<AnchorContext['tree']> {
  if (tree !== undefined) return tree;
  throw new AnchorFailure('no tree', 'the stored tree of this ledger, to prove that it only grew', {
    hint: 'ledger checkpoint --full',
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
  { note }: Pick<Checkpoint, 'note'>,
  keys: readonly WitnessKey[],
  nowMs: number,
): readonly Cosignature[] {
  const found = cosignaturesIn(note.text, note.signatures.map(signatureLine).join(''), keys, nowMs);
  return found.kind === 'cosigned' ? found.by : [];
}

function sizeSeen({ type, body }: Answer): number | undefined {
  return type.split(';')[0]?.trim() === SIZE_TYPE ? sizeInConflict(body.toString()) : undefined;
}

function notTaken(target: WitnessTarget, { head }: Checkpoint, answer: Answer, { tree }: AnchorContext): AnchorFailure {
  const finding = contradiction(target, head, answer, tree?.size ?? head.size);
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
  { size, root }: Checkpoint['head'],
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

function cosigned(target: WitnessTarget, { note }: Checkpoint, lines: string, context: AnchorContext): Anchored {
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

export interface WitnessedCheckpoints {
  /** The newest first. */
  readonly checkpoints: readonly Checkpoint[];
  readonly witnesses: readonly WitnessKey[];
  /** What the rows of the ledger say: by them a target is known to be of a witness. */
  readonly records: readonly AnchorRecord[];
  readonly nowMs: number;
}

/** The newest checkpoint that each witness has signed, under the target that it is asked at, else under its name. */
export function lookAtWitnesses(targets: readonly WitnessTarget[], known: WitnessedCheckpoints): AnchorLook[] {
  const signed = newestSigned(known);
  const taken = new Set<string>();
  const looks = targets.map((target): AnchorLook => {
    const to = anchorName(target);
    const told = known.records.filter((one) => one.to === to).flatMap(({ witnesses }) => witnesses);
    const names = told.length === 0 && targets.length === 1 ? [...signed.keys()] : told;
    for (const name of names) taken.add(name);
    const newest = [...signed].filter(([name]) => names.includes(name)).sort(([, a], [, b]) => b.held.head.size - a.held.head.size)[0]; // prettier-ignore
    const why =
      known.witnesses.length === 0 ? 'no key of a witness is trusted here' : 'no checkpoint here has its signature';
    return { to, found: newest?.[1] ?? { kind: 'missing', why } };
  });
  const others = [...signed].filter(([name]) => !taken.has(name));
  return [...looks, ...others.map(([name, found]) => ({ to: `witness:${name}`, found }))];
}

type HeadFound = AnchorLook['found'] & { readonly kind: 'head' };

function newestSigned({ checkpoints, witnesses, nowMs }: WitnessedCheckpoints): ReadonlyMap<string, HeadFound> {
  const newest = new Map<string, HeadFound>();
  for (const { head, note } of checkpoints) {
    for (const { by, atMs } of countingIn({ note }, witnesses, nowMs)) {
      if (!newest.has(by)) newest.set(by, { kind: 'head', held: { head, note }, by, sinceMs: atMs });
    }
    if (newest.size === witnesses.length) break;
  }
  return newest;
}
