/** A ledger with sealed fields: what a test does to it, and where the values lie. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended, RunOptions } from './process';
import { ledger } from './sandbox';
import type { Sandbox } from './sandbox';

export const VALUE = 'churn risk of Kim';

export function settings(box: Sandbox, config: object): void {
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify(config));
}

export async function done(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = await ledger(box, args, { timeoutMs: 30_000, ...options });
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

/** A ledger, and a key of alice's that its settings trust. */
export async function withSignerAlice(box: Sandbox): Promise<void> {
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'home');
  await done(box, ['init', '-q']);
  rmSync(join(box.root, 'ledger.config.json'));
  await done(box, ['key', 'new', 'alice']);
  await done(box, ['key', 'trust', 'alice', '--actor', 'alice', '--role', 'sre']);
}

/** The files below the state folder and the second spill place that hold a text. */
export function filesWith(box: Sandbox, text: string): string[] {
  return [box.dir, box.stateHome]
    .filter((one) => existsSync(one))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((path) => statSync(path).isFile() && readFileSync(path, 'latin1').includes(text))
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
}

export const openings = (box: Sandbox): number =>
  readFileSync(join(box.dir, 'sealed.jsonl'), 'utf8').split('\n').filter((line) => line.trim() !== '').length; // prettier-ignore

export const warnings = async (box: Sandbox): Promise<readonly string[]> => {
  const { stdout } = await ledger(box, ['verify', '--json', '--strict']);
  const { verdict, warnings: said } = JSON.parse(stdout) as { verdict: string; warnings: string[] };
  assert.equal(verdict, 'intact', stdout);
  return said;
};
