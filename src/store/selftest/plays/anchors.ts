/** What was anchored is written again: the state folder, the key and the home of the account are all in the wrong hands. */
import { copyFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { SEQ } from '../../../core/attacks/scratch';
import { APART, STICK } from '../makeAnchored';
import type { Plays, Scratch } from '../scratch';
import { cutTo, rewriteSigned, rollBackFolder } from './checkpoints';

const ANCHORED_NOTE = `${SEQ.otherSealed}.txt`;
const OLDER_NOTE = '8.txt';

export const ANCHOR_PLAYS = {
  'anchored-tail-cut': (scratch) => {
    cutTo(scratch, SEQ.last);
    rmSync(scratch.path('state', 'checkpoints', ANCHORED_NOTE));
    rmSync(scratch.homePath('state'), { recursive: true });
  },
  'anchored-rolled-back': rollBackAll,
  'anchored-stolen-key': async (scratch) => {
    await signOtherHistory(scratch);
    rmSync(scratch.homePath('state'), { recursive: true });
  },
  'anchored-file-older': (scratch) => {
    rollBackAll(scratch);
    for (const name of readdirSync(scratch.path(STICK)))
      if (name.endsWith(`-${ANCHORED_NOTE}`)) rmSync(scratch.path(STICK, name));
      else copyFileSync(scratch.path('state', 'checkpoints', OLDER_NOTE), scratch.path(STICK, name));
  },
  'second-history-signed': async (scratch) => {
    await signOtherHistory(scratch);
    const both = ['kept.txt', scratch.path('state', 'checkpoints', ANCHORED_NOTE)];
    await scratch.must(['prove', '--equivocation', ...both, '--key', 'auditor.pub', '--out', 'report.txt']);
    await scratch.must(['verify', 'report.txt', '--key', 'auditor.pub']);
  },
} as const satisfies Plays;

function rollBackAll(scratch: Scratch): void {
  rollBackFolder(scratch);
  rmSync(scratch.homePath('state'), { recursive: true });
  renameSync(scratch.path('backup-home'), scratch.homePath('state'));
}

/** As many rows as are anchored, one of them another, by somebody who has the key and tells no anchor. */
async function signOtherHistory(scratch: Scratch): Promise<void> {
  cutTo(scratch, SEQ.otherSealed);
  rewriteSigned(scratch);
  rmSync(scratch.path('state', 'checkpoints'), { recursive: true });
  await scratch.must(['checkpoint', '--config', APART], { who: 'thief' });
}
