/**
 * fixtures/stories/broken: each healthy story with one thing otherwise. What the shipped program finds in it is in
 * expected.json beside them, word for word: the findings of `verify --governance` with their rows, and what `reconstruct`
 * or `proof` names as missing.
 *
 * LEDGER_FIXTURES=update writes what is said now.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GOVERNANCE_CODES } from '../src/core/governance/finding';
import type { GovernanceFinding } from '../src/core/governance/finding';
import { ensureBuilt } from './support/built';
import { FIXTURES_FOLDER } from './support/fixtureCopy';
import { LEDGER, run } from './support/process';
import { ledger, sandboxAt, temporaryFolder } from './support/sandbox';
import type { Sandbox } from './support/sandbox';

const FOLDER = join(FIXTURES_FOLDER, 'stories', 'broken');
const EXPECTED = join(FOLDER, 'expected.json');
const UPDATE = process.env['LEDGER_FIXTURES'] === 'update';
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.sh') && name !== 'retell.sh').map((name) => basename(name, '.sh')); // prettier-ignore

/** What tells of each story. */
const LOOKS: Readonly<Record<string, readonly string[]>> = {
  'april-close': ['reconstruct', '--run', 'close-de-001-2026-04'],
  'deploy-decision': ['reconstruct', '--decision', 'deploy-pay-2.4.1'],
  'handoff-run': ['reconstruct', '--run', 'triage-4711'],
  order: ['proof', 'ord_1042'],
};

interface Checked {
  readonly verdict: string;
  readonly findings: readonly { readonly code: string; readonly seq: number | null }[];
  readonly governance: { readonly findings: readonly GovernanceFinding[]; readonly gone_rows: number };
}

interface Story {
  readonly missing: readonly string[];
  readonly answers?: readonly { readonly question: string; readonly sentences: readonly string[] }[];
  readonly differs?: readonly string[];
}

interface Observed {
  readonly governance: readonly string[];
}

async function tell(box: Sandbox, name: string): Promise<void> {
  const bin = join(box.root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ledger'), `#!/bin/sh\nexec '${process.execPath}' '${LEDGER}' "$@"\n`);
  chmodSync(join(bin, 'ledger'), 0o755);
  writeFileSync(join(box.root, 'report.txt'), 'twelve leads\n');
  const env = { ...box.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const { status, stderr } = await run(['sh', join(FOLDER, `${name}.sh`)], { cwd: box.root, env });
  assert.deepEqual([status, stderr], [0, '']);
}

async function observed(box: Sandbox, name: string): Promise<object> {
  const { status, stdout } = await ledger(box, ['verify', '--governance', '--json'], { cwd: box.root });
  const { verdict, findings, governance } = JSON.parse(stdout) as Checked;
  const [, story = ''] = /^retell (\S+)$/m.exec(readFileSync(join(FOLDER, `${name}.sh`), 'utf8')) ?? [];
  const look = LOOKS[story] ?? [];
  const looked = await ledger(box, [...look, '--json'], { cwd: box.root });
  return {
    exit: status,
    ...{ verdict, findings: findings.map(({ code, seq }) => `${code} row ${seq ?? 'none'}`) },
    governance: governance.findings.map(({ code, stream, rows, text }) => `${code} ${stream.kind} ${stream.id}, rows ${rows.join(', ')}: ${text}`), // prettier-ignore
    gone_rows: governance.gone_rows,
    [look[0] ?? '']: { exit: looked.status, ...lookedAt(JSON.parse(looked.stdout) as Story) },
  };
}

/** The length of a row depends on the account that wrote it. */
function lookedAt({ missing, answers, differs }: Story): object {
  const otherwise = answers?.find(({ question }) => question.startsWith('Could it'))?.sentences;
  return { missing: missing.map((text) => text.replace(/^\d+ bytes/, 'N bytes')), otherwise, differs };
}

describe('broken stories', { concurrency: 2, skip: process.platform !== 'linux' && 'they type GNU tools' }, () => {
  const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, Observed>;
  const found: Record<string, unknown> = {};
  before(ensureBuilt);
  for (const name of NAMES)
    test(name, async (t) => {
      const box = sandboxAt(temporaryFolder(t));
      await tell(box, name);
      found[name] = JSON.parse(JSON.stringify(await observed(box, name)));
      if (!UPDATE) assert.deepEqual(found[name], expected[name]);
    });
  after(() => {
    const sorted = NAMES.map((name) => [name, found[name]] as const);
    if (UPDATE) writeFileSync(EXPECTED, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  });
});

test('every code is the finding of a story, and every story is expected', () => {
  const expected = JSON.parse(readFileSync(EXPECTED, 'utf8')) as Record<string, Observed>;
  assert.deepEqual(Object.keys(expected).sort(), [...NAMES].sort());
  const codes = Object.values(expected).flatMap(({ governance }) => governance.map((text) => text.split(' ')[0]));
  assert.deepEqual([...new Set(codes)].sort(), [...GOVERNANCE_CODES].sort());
});
