/** The beginning of the ledger, and rows of another one; the clock. */
import { rmSync } from 'node:fs';
import { contentHashed, rechained, rowAfter } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import type { Plays, Scratch } from '../scratch';

const OTHER = ['--dir', 'other/state', '--config', 'ledger.config.json'];

export const ORIGIN_PLAYS = {
  'front-cut': (scratch) => scratch.writeLines(scratch.lines().slice(SEQ.run1Tool)),
  'other-ledger-appended': async (scratch) => {
    await scratch.must(['append', '--dir', 'other/state', '{"agent":"coder","action":"tool.used"}']);
    scratch.writeLines([...scratch.lines(), ...scratch.lines('other/state')]);
  },
  'other-ledger-in-place': async (scratch) => {
    await scratch.must(['append', '--dir', 'other/state', '{"agent":"coder","action":"tool.used"}']);
    forgetShortcuts(scratch);
    scratch.writeLines(scratch.lines('other/state'));
  },
  'format-downgraded': (scratch) => {
    forgetShortcuts(scratch);
    scratch.writeLines(
      rechained(scratch.lines(), SEQ.genesis, (text) => contentHashed(text.replace('ledger/1', 'ledger/0'))),
    );
  },
} as const satisfies Plays;

export const TIME_PLAYS = {
  'clock-back': (scratch) => {
    const lines = scratch.lines();
    const members = '"agent":"probe","action":"pulse.probe"';
    scratch.writeLines([...lines, rowAfter(lines.at(-1) as string, members, '2020-01-01T00:00:00.000Z')]);
  },
} as const satisfies Plays;

/** The index and the tree may be deleted at any time: who writes a ledger again deletes them. */
export function forgetShortcuts(scratch: Scratch): void {
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm', 'audit.tree', 'audit.spend'])
    rmSync(scratch.path('state', name), { force: true });
}

/** A signed row of another ledger, written behind the last one as if it had been appended. */
export async function takeOverApproval(scratch: Scratch): Promise<void> {
  await scratch.must(['init', '--dir', 'other/state']);
  await scratch.must([...scratch.approvalBy('alice'), ...OTHER]);
  const [, given = '', content = ''] = SIGNED_ROW.exec(scratch.lines('other/state').at(-1) ?? '') ?? [];
  const lines = scratch.lines();
  const { hash } = JSON.parse(lines[SEQ.approval - 1] as string) as { readonly hash: string };
  const members = `${given},"decision_seq":2,"decision_prev_hash":"${hash}"${content}`;
  scratch.writeLines([...lines, rowAfter(lines.at(-1) as string, members)]);
}

/** What the caller gave, and the hash of its payload, around the row's place in its decision. */
const SIGNED_ROW = /"by":"[^"]*",(.*?),"decision_seq":1,"decision_prev_hash":"0{64}"(,"content_hash":"[^"]*"),"nonce"/;
