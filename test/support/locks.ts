/** Locks in other hands: a helper process that holds a ledger's kernel lock until it is told to let go, or is killed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { start, until } from './process';
import type { Running } from './process';
import type { Sandbox } from './sandbox';

export interface Holder {
  readonly process: Running;
  /** Lets go in good order. */
  release(): Promise<void>;
  /** Dies with the lock held. */
  kill(): Promise<void>;
}

/** Takes the kernel lock of a sandbox's ledger in another process; resolves when it is held. */
export async function holdLock(box: Sandbox): Promise<Holder> {
  mkdirSync(box.dir, { recursive: true, mode: 0o700 });
  const holder = start([process.execPath, join(__dirname, 'lockHolder.cjs'), join(box.dir, 'audit.lock')]);
  let said = '';
  holder.child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('the helper holds the lock', () => said.includes('held'));
  const end = async (how: () => void): Promise<void> => {
    how();
    await holder.ended;
  };
  return {
    process: holder,
    release: () => end(() => holder.child.stdin?.end()),
    kill: () => end(() => holder.child.kill('SIGKILL')),
  };
}
