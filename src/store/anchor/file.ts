/** A head in a file elsewhere: another disk, a share, a folder that is synced away. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AnchorFailure } from '../../core/anchor/failure';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName, fileNameOf } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { replaceFile } from '../atomicFile';
import { syncFolder } from '../files';
import { judgeHeld } from './context';
import type { AnchorContext, Anchored } from './context';
import { readNote } from '../checkpoint/noteFile';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { lookOf } from './look';

export type FileTarget = AnchorTarget & { readonly kind: 'file' };

/** Others are to read it, an auditor say; nothing in it is secret. */
const MODE = 0o644;

export async function anchorInFile(
  target: FileTarget,
  checkpoint: StoredCheckpoint,
  context: AnchorContext,
): Promise<Anchored> {
  const { bytes, head } = checkpoint;
  const newest = newestPath(target, head.origin);
  const folder = dirname(newest);
  refuseMissing(folder);
  try {
    const held = judgeHeld(readNote(newest), newest, checkpoint, context);
    if (held === 'newer' || held === 'same') return { evidence: {} };
    if (isFolder(target.path)) await put(join(folder, `${fileNameOf(head.origin)}-${head.size}.txt`), bytes);
    await put(newest, bytes);
    syncFolder(folder);
  } catch (error) {
    throw notWritten(newest, error);
  }
  return { evidence: { file: basename(newest) } };
}

async function put(path: string, bytes: Buffer): Promise<void> {
  // A link is refused here: what it leads to was not named.
  readNote(path);
  await replaceFile(path, bytes.toString(), MODE);
}

/** The file with the newest head. */
function newestPath({ path }: FileTarget, origin: string): string {
  return isFolder(path) ? join(path, `${fileNameOf(origin)}.txt`) : path;
}

function isFolder(path: string): boolean {
  return path.endsWith('/') || orNothing(() => statSync(path).isDirectory()) === true;
}

/** A folder is never made: where a disk is not mounted, its head would land on this one. */
function refuseMissing(folder: string): void {
  if (isFolder(join(folder, '.')) && orNothing(() => statSync(folder)) !== undefined) return;
  throw new AnchorFailure('no such folder', `a folder ${folder}`, {
    hint: 'make it, or mount what it is on: no folder is made for an anchor',
  });
}

function notWritten(path: string, error: unknown): LedgerError {
  if (error instanceof LedgerError) return error;
  return new AnchorFailure(errnoOf(error) ?? 'an error', `to write ${path}`, { cause: error });
}

/** What is there now. */
export function lookAtFile(target: FileTarget, origin: string): AnchorLook {
  const to = anchorName(target);
  const path = newestPath(target, origin);
  try {
    return lookOf(to, readNote(path));
  } catch (error) {
    const why = error instanceof LedgerError ? error.message : (errnoOf(error) ?? 'it cannot be read');
    return { to, found: { kind: 'missing', why } };
  }
}
