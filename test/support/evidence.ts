/** What tests of evidence begin with: a ledger that is signed, keys, and the two programs that check a bundle of it. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import type { BundleJson } from '../../src/core/bundle/read';
import { publicKeyLine } from '../../src/core/signing/keys';
import { call } from './inProcess';
import type { Called } from './inProcess';
import { noteOf, testKey, treeOf } from './bundles';
import { run } from './process';
import type { Ended, RunOptions } from './process';
import { ledger, sandbox } from './sandbox';
import type { Sandbox } from './sandbox';

export const HEAD_KEY = testKey('h');
/** The program of docs/bundles.md. */
export const VERIFIER = resolve(__dirname, '../../docs/verify-bundle.mjs');
export const ROWS = [
  { run_id: 'r1', action: 'run_started', agent: 'coder' },
  { run_id: 'r2', action: 'run_started', agent: 'other', reason: 'a neighbour' },
  { run_id: 'r1', action: 'tool_proposed', turn_id: 't1', payload: { tool: 'sh' }, order_id: 'o1' },
  { run_id: 'r1', decision_id: 'd1', action: 'step.done', payload: { é: '\u0085\u202e', transaction: { to: 'x' } } },
  { action: 'proof.revenue', payload: { amount_usd: '5', order_id: 'o1', source: 'shop' } },
  { run_id: 'r1', action: 'run_completed', outcome: 'success', cost_usd: 0.0000001 },
  { action: 'step.done', agent: 'nobody', reason: 'in no stream' },
];

export async function done(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = await ledger(box, args, { timeoutMs: 30_000, ...options });
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

/** A ledger with a checkpoint over all of it, and a key "ops". */
export async function evidenceLedger(t: TestContext): Promise<Sandbox> {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'user');
  delete box.env['SSH_AUTH_SOCK'];
  await done(box, ['append', '-q', '-'], { stdin: ROWS.map((row) => `${JSON.stringify(row)}\n`).join('') });
  await done(box, ['key', 'new', 'ops']);
  checkpoint(box);
  return box;
}

export function checkpoint(box: Sandbox): void {
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  const { origin } = (JSON.parse(lines[0] ?? '') as { readonly payload: { readonly origin: string } }).payload;
  const tree = treeOf(lines);
  mkdirSync(join(box.dir, 'checkpoints'), { recursive: true });
  writeFileSync(join(box.dir, 'checkpoints', `${lines.length}.txt`), noteOf(origin, tree, HEAD_KEY));
  writeFileSync(join(box.dir, 'audit.tree'), tree.stored);
  writeFileSync(join(box.root, 'head.pub'), `${publicKeyLine({ bytes: HEAD_KEY.publicBytes, comment: '' })}\n`);
}

export const publicFile = (box: Sandbox): string => join(box.root, 'user/ledger/keys/ops.pub');
export const keysOf = (box: Sandbox): string[] => ['--key', publicFile(box), '--key', join(box.root, 'head.pub')];

export async function bundleOf(box: Sandbox, ...args: readonly string[]): Promise<BundleJson> {
  return JSON.parse((await done(box, ['bundle', 'create', '--sign', 'ops', ...args])).stdout) as BundleJson;
}

/** What a program says of a bundle: its exit code, and the codes of what it found. */
export interface Said {
  readonly status: number;
  readonly codes: readonly string[];
}

/** By the shipped command. */
export async function shipped(box: Sandbox, path: string, args: readonly string[]): Promise<Said> {
  return saidIn(await ledger(box, ['bundle', 'verify', path, '--json', ...args]));
}

/** The same command in this process: for hundreds of changes a process each would take minutes. */
export async function library(box: Sandbox, path: string, args: readonly string[]): Promise<Said> {
  return saidIn(await call(['bundle', 'verify', path, '--json', ...args], { env: box.env, cwd: box.root }));
}

function saidIn({ status, stdout, stderr }: Called): Said {
  const { findings } = JSON.parse(stdout || '{"findings":[]}') as { readonly findings: readonly { code: string }[] };
  assert.ok(status < 2 || status === 3, stderr);
  return { status, codes: [...new Set(findings.map(({ code }) => code))].sort() };
}

export async function standalone(box: Sandbox, path: string, args: readonly string[]): Promise<Said> {
  const { status, stdout } = await run([process.execPath, VERIFIER, path, ...args], { cwd: box.root, env: box.env });
  const codes = stdout.split('\n').flatMap((line) => /^([A-Z_]{4,}): /.exec(line)?.[1] ?? []);
  return { status, codes: [...new Set(codes)].sort() };
}
