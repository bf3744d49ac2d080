/**
 * Who sits there, as the operating system knows it: the name of the login, which "sudo -u" keeps and no variable can
 * change; without a login (a service, a container) the account of this process.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Person } from '../../core/accessSettings';
import { accountName } from './nodeHost';

/** Not by PATH, which is whatever somebody says. */
const FOLDERS = ['/usr/bin', '/bin', '/run/current-system/sw/bin'];

export function personHere(): Person {
  const user = answerOf('logname') ?? accountName();
  let groups: readonly string[] | undefined;
  return { user, groups: () => (groups ??= answerOf('id', '-Gn', '--', user)?.split(' ') ?? []) };
}

/** The one line that a program of the system prints; undefined where it prints none. */
function answerOf(program: string, ...args: readonly string[]): string | undefined {
  const path = FOLDERS.map((folder) => join(folder, program)).find((one) => existsSync(one));
  if (path === undefined) return undefined;
  // Without an environment: some C libraries answer with what LOGNAME says.
  const { status, stdout } = spawnSync(path, args, { env: {}, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const line = status === 0 ? stdout.trim() : '';
  return line === '' ? undefined : line;
}
