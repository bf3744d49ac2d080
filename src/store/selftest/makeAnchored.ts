/**
 * Makes of the ledger one with more to attack: sealed fields, a third checkpoint with anchors, an index; and in the hands of
 * others the head (kept.txt), a proof (evidence.txt) and what was disclosed of a sealed field (opening.json).
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Attack } from '../../core/attacks/attack';
import { SEALED_FIELDS, SEALED_ROWS, SEQ } from '../../core/attacks/scratch';
import type { Scratch } from './scratch';

/** The anchors. Without git there is no repository. */
export const STICK = 'stick';
const REPOSITORY = 'repository';
/** Settings that name no anchors, as a thief has them. */
export const APART = 'apart.config.json';

const NO_TEMPLATE = '--template=';
const KEEPER = '[user]\n\tname = keeper\n\temail = keeper@example.org\n';

/** @throws LedgerError SELFTEST_FAILED, the system's error */
export async function makeAnchored(scratch: Scratch): Promise<void> {
  const input = SEALED_ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');
  await scratch.must(['append', '-', ...SEALED_FIELDS.flatMap((field) => ['--seal', field])], { input });
  await nameAnchors(scratch);
  await scratch.must(['checkpoint']);
  await scratch.must(['sweep']);
  copyFileSync(scratch.path('state', 'checkpoints', `${SEQ.otherSealed}.txt`), scratch.path('kept.txt'));
  await scratch.must(['prove', `${SEQ.run1Tool}`, '--out', 'evidence.txt']);
  writeFileSync(scratch.path('opening.json'), await scratch.must(['disclose', `${SEQ.sealed}`, 'reason']));
}

async function nameAnchors(scratch: Scratch): Promise<void> {
  const path = scratch.path('ledger.config.json');
  copyFileSync(path, scratch.path(APART));
  mkdirSync(scratch.path(STICK));
  const anchors = [`file:${STICK}/`, ...((await makeRepository(scratch)) ? [`git:${REPOSITORY}#heads`] : [])];
  const settings = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...settings, checkpoints: { anchors } }));
}

async function makeRepository(scratch: Scratch): Promise<boolean> {
  const { exit } = await scratch.runOther('git', ['init', '--quiet', '--bare', NO_TEMPLATE, REPOSITORY]);
  if (exit !== 0) return false;
  writeFileSync(scratch.path(REPOSITORY, 'config'), KEEPER, { flag: 'a' });
  return true;
}

/** Whether there is what an attack needs. */
export function canPlay(scratch: Scratch, { needs }: Attack): boolean {
  return needs !== 'git' || existsSync(scratch.path(REPOSITORY, 'config'));
}
