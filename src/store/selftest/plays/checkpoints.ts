/** What is signed is written again, as well as can be done without the key, and then with it. */
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { rechained, without } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import { HASH_BYTES } from '../../../core/tree/merkle';
import type { Plays, Scratch } from '../scratch';
import { forgetShortcuts } from './origin';

const REFUSED = ['ROLLBACK', 'DIVERGED'];

export const CHECKPOINT_PLAYS = {
  'signed-row-rewritten': rewriteSigned,
  'whole-run-out': (scratch) => {
    forgetShortcuts(scratch);
    scratch.writeLines(without(scratch.lines(), (line) => line.includes('"run_id":"run-2"')));
  },
  'cut-below-checkpoint': (scratch) => cutTo(scratch, SEQ.firstCheckpoint),
  'same-length-suffix': (scratch) => {
    forgetShortcuts(scratch);
    scratch.writeLines(rechained(scratch.lines(), SEQ.run3Tool, (text) => text.replace('1.5', '9.5')));
  },
  'shrunk-then-signed': async (scratch) => {
    cutTo(scratch, SEQ.firstCheckpoint);
    await scratch.mustRefuse(['checkpoint'], REFUSED);
  },
  'rewritten-then-signed': async (scratch) => {
    rewriteSigned(scratch);
    await scratch.mustRefuse(['checkpoint', '--full'], REFUSED);
  },
  'tree-of-other-rows': async (scratch) => {
    const path = scratch.path('state', 'audit.tree');
    const bytes = readFileSync(path);
    const at = bytes.length - HASH_BYTES;
    writeFileSync(path, Buffer.concat([bytes.subarray(0, at), randomBytes(HASH_BYTES)]));
    await scratch.must(['checkpoint']);
  },
  'checkpoint-of-others': async (scratch) => {
    cpSync(scratch.path('state'), scratch.path('honest'), { recursive: true, preserveTimestamps: true });
    await signAnew(scratch);
    const note = readFileSync(newestNote(scratch));
    rmSync(scratch.path('state'), { recursive: true });
    renameSync(scratch.path('honest'), scratch.path('state'));
    writeFileSync(scratch.path('state', 'checkpoints', `${SEQ.last}.txt`), note, { mode: 0o600 });
  },
  'checkpoint-edited': (scratch) => {
    const path = newestNote(scratch);
    const root = /^(?=[A-Za-z0-9+/]{43}=$)./m;
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(root, (letter) => (letter === 'A' ? 'B' : 'A')),
    );
  },
  'checkpoint-garbled': (scratch) => truncateSync(newestNote(scratch), 20),
  'checkpoint-of-ledger-x': (scratch) => {
    const path = newestNote(scratch);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('local/', 'other/'));
  },
  'checkpoint-by-stranger': async (scratch) => {
    copyFileSync(scratch.path('ledger.config.json'), scratch.path('lax.json'));
    const lax = ['--config', 'lax.json'];
    await scratch.must(['key', 'trust', 'mallory', '--actor', 'mallory', '--role', 'checkpoint', ...lax]);
    await scratch.must(['checkpoint', '--sign', 'mallory', ...lax], { who: 'thief' });
  },
} as const satisfies Plays;

export const HEAD_PLAYS = {
  'cut-with-checkpoints': (scratch) => {
    cutTo(scratch, SEQ.firstCheckpoint);
    rmSync(newestNote(scratch));
  },
  'folder-rolled-back': rollBackFolder,
  'stolen-key': signAnew,
  'file-emptied': (scratch) => truncateSync(scratch.path('state', 'audit.jsonl')),
  'folder-emptied': emptyFolder,
  'begun-anew': async (scratch) => {
    emptyFolder(scratch);
    await scratch.mustRefuse(['append', '--confirm', '{"action":"tool.used"}'], ['LEDGER_MISSING']);
  },
} as const satisfies Plays;

function emptyFolder(scratch: Scratch): void {
  for (const name of readdirSync(scratch.path('state'))) rmSync(scratch.path('state', name), { recursive: true });
}

export function rollBackFolder(scratch: Scratch): void {
  rmSync(scratch.path('state'), { recursive: true });
  renameSync(scratch.path('backup'), scratch.path('state'));
}

export function rewriteSigned(scratch: Scratch): void {
  forgetShortcuts(scratch);
  scratch.writeLines(rechained(scratch.lines(), SEQ.run1Tool, (text) => text.replace('0.0312', '0.0012')));
}

/** All rows, with the stolen key, by somebody whose home remembers nothing. */
async function signAnew(scratch: Scratch): Promise<void> {
  rewriteSigned(scratch);
  rmSync(scratch.path('state', 'checkpoints'), { recursive: true });
  await scratch.must(['checkpoint'], { who: 'thief' });
}

export function cutTo(scratch: Scratch, seq: number): void {
  forgetShortcuts(scratch);
  scratch.writeLines(scratch.lines().slice(0, seq));
}

function newestNote(scratch: Scratch): string {
  const sizes = readdirSync(scratch.path('state', 'checkpoints')).map((name) => Number.parseInt(name, 10));
  return scratch.path('state', 'checkpoints', `${Math.max(...sizes)}.txt`);
}
