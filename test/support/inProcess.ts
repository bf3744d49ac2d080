/** Commands that run in this process, where a process for each of hundreds or thousands would take minutes. */
import { COMMANDS } from '../../src/cli/commandTable';
import type { Io } from '../../src/cli/io';
import { main } from '../../src/cli/main';
import type { Ended } from './process';

export type Called = Pick<Ended, 'status' | 'stdout' | 'stderr'>;

export interface CallOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Nothing else of this process may go on meanwhile. */
  readonly cwd?: string;
  readonly isTTY?: boolean;
}

export async function call(args: readonly string[], options: CallOptions): Promise<Called> {
  const { env, cwd = process.cwd(), isTTY = false } = options;
  let [status, stdout, stderr] = [0, '', ''];
  const io = {
    env,
    isTTY,
    isErrTTY: false,
    columns: 120,
    stdin: process.stdin,
    nowMs: () => Date.now(),
    stdout: (text) => ((stdout += text), true),
    pass: (chunk) => Promise.resolve(void (stdout += chunk.toString('utf8'))),
    stderr: (text) => void (stderr += text),
    setExit: (code) => void (status = code),
  } satisfies Io;
  const before = process.cwd();
  process.chdir(cwd);
  try {
    await main(args, io, COMMANDS);
  } finally {
    process.chdir(before);
  }
  return { status, stdout, stderr };
}
