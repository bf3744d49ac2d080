/**
 * A head as a commit: in the branch that is checked out, as anybody would commit a file there (hooks run, the repository's
 * `commit.gpgsign` holds, nothing else that is staged goes along), or in a branch of its own that is nowhere checked out.
 * Nothing is pushed from here.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AnchorFailure } from '../../core/anchor/failure';
import { readSignedHead } from '../../core/note/checkpoint';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName, fileNameOf } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { LedgerError, orNothing } from '../../core/errors';
import type { TreeHead } from '../../core/note/checkpoint';
import { printable } from '../../core/printable';
import { replaceFile } from '../atomicFile';
import { judgeHeld } from './context';
import type { AnchorContext, Anchored } from './context';
import { readNote } from '../checkpoint/noteFile';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { Git } from './gitProgram';
import type { GitRun } from './gitProgram';
import { lookOf } from './look';

export type GitTarget = AnchorTarget & { readonly kind: 'git' };

const MODE = 0o644;
const NO_COMMIT = '0'.repeat(40);
const LAST_COMMITS = '-5';

export async function anchorInGit(
  target: GitTarget,
  checkpoint: StoredCheckpoint,
  context: AnchorContext,
): Promise<Anchored> {
  const git = await openRepository(target, context);
  const name = `${fileNameOf(checkpoint.head.origin)}.txt`;
  const last = await newestCommit(git, target, name);
  const held = judgeHeld(last?.bytes, anchorName(target), checkpoint, context);
  const isThere = last !== undefined && (held === 'newer' || held === 'same');
  const commit = isThere ? last.commit : await commitHead(git, target, name, checkpoint);
  const isSigned = (await git.line(['cat-file', 'commit', commit])).includes('\ngpgsig');
  return { evidence: { commit, ...(isSigned && { signed: true }) } };
}

async function commitHead(
  git: Git,
  { branch }: GitTarget,
  name: string,
  { bytes, head }: StoredCheckpoint,
): Promise<string> {
  const commit = await (branch === undefined
    ? commitFile(git, name, bytes, messageOf(head))
    : commitToBranch(git, `refs/heads/${branch}`, { name, bytes, message: messageOf(head) }));
  // A hook may have changed what was to be committed.
  const stored = await git.ask(['cat-file', 'blob', blobName(commit, branch, name)]);
  if (stored?.equals(bytes) === true) return commit;
  throw new AnchorFailure('another file', `the commit ${commit} in ${git.folder} to have the head as it is`, {
    hint: 'does a hook of that repository change what is committed?',
  });
}

function messageOf({ origin, size, root }: TreeHead): string {
  return `ledger: head of ${size} rows\n\norigin: ${origin}\nsize: ${size}\nroot: ${root.toString('base64')}\n`;
}

/** In the branch of a work tree the file lies where the folder is. */
function blobName(commit: string, branch: string | undefined, name: string): string {
  return `${commit}:${branch === undefined ? './' : ''}${name}`;
}

async function openRepository({ path, branch }: GitTarget, run: GitRun): Promise<Git> {
  if (orNothing(() => statSync(path).isDirectory()) !== true)
    throw new AnchorFailure('no such folder', `a git repository at ${path}`, { hint: `git init '${path}'` });
  const git = new Git(path, run);
  const inTree = (await git.line(['rev-parse', '--is-inside-work-tree'])) === 'true';
  if (branch === undefined && !inTree)
    throw new AnchorFailure('no work tree', `a work tree at ${path}`, {
      found: 'a repository without one',
      hint: `name a branch to commit to: git:${path}#heads`,
    });
  return git;
}

interface HeldCommit {
  readonly commit: string;
  readonly atMs: number;
  readonly by: string;
  readonly bytes: Buffer;
}

/** Of the last commits the one with the largest head: of the branch, or of any where none is named, since another may be checked out by now. */
async function newestCommit(git: Git, { branch }: GitTarget, name: string): Promise<HeldCommit | undefined> {
  const ref = `refs/heads/${branch ?? ''}`;
  if (branch !== undefined && (await git.ask(['rev-parse', '--quiet', '--verify', ref])) === undefined)
    return undefined;
  const where = branch === undefined ? '--all' : ref;
  // The path of a branch that is checked out nowhere is not relative to the folder.
  const path = branch === undefined ? name : `:/${name}`;
  const format = '--format=%H%x09%ct%x09%cn';
  const found = await git.line(['log', LAST_COMMITS, format, where, '--', path]);
  // Dates are whatever somebody's clock said: the branch that is checked out is looked at in any case.
  const checkedOut = branch === undefined ? await git.ask(['log', '-1', format, 'HEAD', '--', path]) : undefined;
  let largest: HeldCommit | undefined;
  for (const line of [...found.split('\n'), ...(checkedOut?.toString().trim().split('\n') ?? [])]) {
    const [commit = '', seconds = '', by = ''] = line.split('\t');
    // A commit that takes the file out has none.
    const bytes = commit === '' ? undefined : await git.ask(['cat-file', 'blob', blobName(commit, branch, name)]);
    if (bytes === undefined || sizeIn(bytes) <= (largest === undefined ? -1 : sizeIn(largest.bytes))) continue;
    largest = { commit, atMs: Number(seconds) * 1000, by: printable(by), bytes };
  }
  return largest;
}

function sizeIn(bytes: Buffer): number {
  return readSignedHead(bytes)?.head.size ?? 0;
}

/** As a person would; what else is staged stays staged. */
async function commitFile(git: Git, name: string, bytes: Buffer, message: string): Promise<string> {
  const path = join(git.folder, name);
  // A link is refused here: what it leads to was not named.
  readNote(path);
  await replaceFile(path, bytes.toString(), MODE);
  try {
    await git.bytes(['add', '--force', '--', name]);
    await git.bytes(['commit', '--quiet', '--file=-', '--', name], message);
  } catch (error) {
    await git.ask(['reset', '--quiet', '--', name]);
    throw error;
  }
  return git.line(['log', '-1', '--format=%H', 'HEAD', '--', name]);
}

interface BranchCommit {
  readonly name: string;
  readonly bytes: Buffer;
  readonly message: string;
}

/** Without a work tree: the other files of the branch stay as they are. */
async function commitToBranch(git: Git, ref: string, { name, bytes, message }: BranchCommit): Promise<string> {
  if ((await git.ask(['symbolic-ref', '--quiet', 'HEAD']))?.toString().trim() === ref && !(await isBare(git)))
    throw new AnchorFailure('a branch that is checked out', `${ref} to be checked out nowhere`, {
      hint: 'leave "#…" out to commit to the branch that is checked out, or name another',
    });
  const parent = (await git.ask(['rev-parse', '--quiet', '--verify', `${ref}^{commit}`]))?.toString().trim();
  const blob = await git.line(['hash-object', '-w', '--stdin'], bytes);
  const others = parent === undefined ? [] : entriesOf(await git.bytes(['ls-tree', '-z', '--full-tree', parent]), name);
  const entries = [...others, `100644 blob ${blob}\t${name}`, ''].join('\0');
  const tree = await git.line(['mktree', '-z'], Buffer.from(entries, 'latin1'));
  // Unlike "git commit" it does not look at the setting itself.
  const signs = (await git.ask(['config', '--type=bool', 'commit.gpgsign']))?.toString().trim() === 'true';
  const parents = parent === undefined ? [] : ['-p', parent];
  const commit = await git.line(['commit-tree', tree, ...parents, ...(signs ? ['-S'] : []), '-F', '-'], message);
  await git.bytes([
    'update-ref',
    '-m',
    'ledger: anchored',
    ref,
    commit,
    parent ?? NO_COMMIT.padEnd(commit.length, '0'),
  ]);
  return commit;
}

async function isBare(git: Git): Promise<boolean> {
  return (await git.line(['rev-parse', '--is-bare-repository'])) === 'true';
}

function entriesOf(listed: Buffer, without: string): string[] {
  // Names are bytes.
  return listed
    .toString('latin1')
    .split('\0')
    .filter((entry) => entry !== '' && entry.slice(entry.indexOf('\t') + 1) !== without);
}

/** What is committed now. */
export async function lookAtGit(target: GitTarget, origin: string, run: GitRun): Promise<AnchorLook> {
  const to = anchorName(target);
  try {
    const git = await openRepository(target, run);
    const last = await newestCommit(git, target, `${fileNameOf(origin)}.txt`);
    if (last === undefined || readSignedHead(last.bytes) === undefined) return lookOf(to, last?.bytes);
    return lookOf(to, last.bytes, { by: last.by, sinceMs: last.atMs });
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { to, found: { kind: 'missing', why: error.message } };
  }
}
