/**
 * A time stamp of RFC 3161 over the text of the head. The answer is kept beside the checkpoint, as the authority gave it,
 * so that `openssl ts` can check it; where the target names the certificates to trust, that is done here, too.
 */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { AnchorFailure } from '../../core/anchor/failure';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName, hostOf } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { imprintOf, nonceOf, NONCE_BYTES, readStampAnswer, stampRequest } from '../../core/anchor/timestamp';
import type { Stamp } from '../../core/anchor/timestamp';
import { sha256Hex } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { formatTime } from '../../core/time';
import { replaceFile } from '../atomicFile';
import { ensureFolder, readWhole, refuseLink, statOf, syncFolder } from '../files';
import type { StatePaths } from '../paths';
import type { AnchorContext, Anchored } from './context';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { post, refused } from './http';
import { runProgram } from './program';

export type StampTarget = AnchorTarget & { readonly kind: 'rfc3161' };

export async function anchorByStamp(
  target: StampTarget,
  checkpoint: StoredCheckpoint,
  context: AnchorContext,
): Promise<Anchored> {
  const { url } = target;
  const imprint = imprintOf(checkpoint.note.text);
  const nonce = nonceOf(context.host.random(NONCE_BYTES));
  const body = stampRequest(imprint, nonce);
  const answer = await post({ url, type: 'application/timestamp-query', body, timeoutMs: context.limits.httpMs });
  if (answer.status !== 200) throw refused(url, answer);
  const stamp = stampOf(answer.body, target);
  if (!stamp.imprint.equals(imprint)) throw wrongStamp(target, 'a stamp of something else');
  if (stamp.nonce?.equals(nonce) !== true) throw wrongStamp(target, 'an answer to another question');
  const path = stampPath(context.paths, checkpoint, target);
  await keep(path, answer.body);
  if (target.ca !== undefined) {
    const checked = await checkStamp(target.ca, path, stamp, context);
    if (checked === 'wrong') {
      rmSync(path, { force: true });
      throw wrongStamp(target, `a stamp that the certificates in ${target.ca} do not bear out`);
    }
  }
  const file = `checkpoints/${path.slice(path.lastIndexOf('/') + 1)}`;
  return { evidence: { time: formatTime(stamp.atMs), file, sha256: sha256Hex(answer.body) } };
}

function stampOf(bytes: Buffer, target: StampTarget): Stamp {
  const answer = readStampAnswer(bytes);
  if (answer.kind === 'stamp') return answer.stamp;
  throw wrongStamp(
    target,
    answer.kind === 'none' ? 'an answer that is no time stamp' : `a refusal, status ${answer.status}`,
  );
}

function wrongStamp(target: StampTarget, found: string): AnchorFailure {
  return new AnchorFailure(found, `a time stamp of the head from ${anchorName(target)}`);
}

async function keep(path: string, bytes: Buffer): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  ensureFolder(folder);
  refuseLink(folder);
  // Nor is a link in it followed: reading refuses it.
  readWhole(path);
  await replaceFile(path, bytes);
  syncFolder(folder);
}

/** Where the stamp of a head by this authority is kept. */
function stampPath({ checkpoints }: StatePaths, { head }: StoredCheckpoint, target: StampTarget): string {
  const authority = `${hostOf(target.url).replace(/[^A-Za-z0-9.-]/g, '_')}-${sha256Hex(anchorName(target)).slice(0, 8)}`;
  return join(checkpoints, `${head.size}.${authority}.tsr`);
}

type Checked = 'right' | 'wrong' | 'no-openssl';

/** At the time of the stamp the certificates had to be good: they run out, and stamps are for later. */
async function checkStamp(
  ca: string,
  path: string,
  { imprint, atMs }: Stamp,
  { env, limits }: Pick<AnchorContext, 'env' | 'limits'>,
): Promise<Checked> {
  if (statOf(ca) === undefined)
    throw new AnchorFailure('no certificates', `certificates to trust in ${ca}`, { found: 'no such file' });
  const at = String(Math.floor(atMs / 1000));
  const args = ['ts', '-verify', '-digest', imprint.toString('hex'), '-in', path, '-CAfile', ca, '-attime', at];
  const { status } = await runProgram({ program: 'openssl', args, input: '', env, timeoutMs: limits.commandMs });
  if (status === undefined) return 'no-openssl';
  return status === 0 ? 'right' : 'wrong';
}

/**
 * The stamp of the newest checkpoint that has one.
 * @param checkpoints the newest first
 */
export async function lookAtStamps(
  target: StampTarget,
  checkpoints: readonly StoredCheckpoint[],
  context: Pick<AnchorContext, 'paths' | 'env' | 'limits'>,
): Promise<AnchorLook> {
  const to = anchorName(target);
  for (const checkpoint of checkpoints) {
    const path = stampPath(context.paths, checkpoint, target);
    const bytes = readWhole(path);
    const answer = bytes === undefined ? undefined : readStampAnswer(bytes);
    if (answer?.kind !== 'stamp' || !answer.stamp.imprint.equals(imprintOf(checkpoint.note.text))) continue;
    return judged(
      to,
      checkpoint,
      await stateOf(target.ca, path, answer.stamp, context),
      answer.stamp,
      hostOf(target.url),
    );
  }
  return { to, found: { kind: 'missing', why: 'no checkpoint here has a stamp of it' } };
}

async function stateOf(
  ca: string | undefined,
  path: string,
  stamp: Stamp,
  context: Pick<AnchorContext, 'env' | 'limits'>,
): Promise<Checked | LedgerError | undefined> {
  if (ca === undefined) return undefined;
  try {
    return await checkStamp(ca, path, stamp, context);
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
}

function judged(
  to: string,
  { head, note }: StoredCheckpoint,
  state: Checked | LedgerError | undefined,
  { atMs }: Stamp,
  by: string,
): AnchorLook {
  const known = { by, sinceMs: atMs };
  if (state === 'right') return { to, found: { kind: 'head', held: { head, note }, ...known } };
  if (state === 'wrong')
    return { to, found: { kind: 'missing', why: 'the certificates that are trusted do not bear its stamp out' } };
  const why =
    state === undefined
      ? 'the stamp is kept and not checked: name the certificates to trust, rfc3161:…#ca=FILE'
      : state === 'no-openssl'
        ? 'the stamp is kept and not checked: there is no openssl here'
        : state.message;
  return { to, found: { kind: 'not-checked', why, size: head.size, ...known } };
}
