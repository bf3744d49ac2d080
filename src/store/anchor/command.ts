/** A head handed to a command of one's own: whatever that does with it, it says by its exit status whether it did. */
import { AnchorFailure } from '../../core/anchor/failure';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { printable } from '../../core/printable';
import type { AnchorContext, Anchored } from './context';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { lastLine, runProgram } from './program';

export type CommandTarget = AnchorTarget & { readonly kind: 'cmd' };

/** What it says first is kept: the number of a mail, of a transaction. */
const MAX_SAID_BYTES = 1024;

export async function anchorByCommand(
  target: CommandTarget,
  { bytes }: StoredCheckpoint,
  { env, limits }: AnchorContext,
): Promise<Anchored> {
  const { command, folder } = target;
  const shell = { program: '/bin/sh', args: ['-c', command], folder, apart: true };
  const { status, how, stdout, stderr } = await runProgram({
    ...shell,
    input: bytes,
    env,
    timeoutMs: limits.commandMs,
  });
  if (status === 0) {
    const said = firstLine(stdout);
    return { evidence: said === '' ? {} : { said } };
  }
  const last = printable(lastLine(stderr));
  throw new AnchorFailure(how, `${anchorName(target)} to take the head`, {
    found: last === '' ? how : `${how}: ${last}`,
  });
}

function firstLine(stdout: Buffer): string {
  const [line = ''] = stdout.subarray(0, MAX_SAID_BYTES).toString().split('\n');
  // The last character may be cut through.
  return printable(line.replace(/\ufffd$/, '').trim());
}

/** What became of it is not known here. */
export function lookAtCommand(target: CommandTarget): AnchorLook {
  const why = 'what the command did with it cannot be seen from here';
  return { to: anchorName(target), found: { kind: 'not-checked', why } };
}
