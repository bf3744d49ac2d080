/** docs/verify.py, forty lines that share no code with us, gives the same verdict: the format is what the page says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { exitCodeOf } from '../../src/core/verdict';
import { verifyLedger } from '../../src/services/verify';
import { chainOf, sampleRows, setLineAside, testPaths, writeLedger } from '../support/ledgers';
import type { Chain } from '../support/ledgers';

const SCRIPT = join(__dirname, '..', '..', 'docs', 'verify.py');
const python = spawnSync('python3', ['--version']).status === 0;

function longer(chain: Chain): Chain {
  for (const row of sampleRows(9)) chain.add(row);
  return chain;
}

const healthy = (dir: string): void => void writeLedger(dir, longer(chainOf()).lines);
const healed = (dir: string): void => void setLineAside(dir, longer(chainOf()), 4);
const CASES: readonly [string, number, (dir: string) => void][] = [
  ['missing', 2, () => undefined],
  ['empty', 2, (dir) => void writeLedger(dir, [])],
  ['healthy', 0, healthy],
  ['healed', 3, healed],
  [
    'with lost rows',
    3,
    (dir) => {
      const chain = longer(chainOf());
      chain.addOwn('audit.rows-lost', { from_seq: 11, to_seq: 12, head: 'f'.repeat(64) });
      writeLedger(dir, longer(chain).lines);
    },
  ],
  [
    'set aside by hand',
    3,
    (dir) => {
      const chain = longer(chainOf());
      setLineAside(dir, chain, 4, { action: 'audit.set-aside', bytes: Buffer.from(`${chain.lines[4]}\n`) });
    },
  ],
  [
    'a tombstone over a good row',
    1,
    (dir) => {
      const chain = longer(chainOf());
      setLineAside(dir, chain, 4, { bytes: Buffer.from(`${chain.lines[4]}\n`) });
    },
  ],
  [
    'a tombstone without its heal row',
    1,
    (dir) => {
      const chain = longer(chainOf());
      setLineAside(dir, chain, 4);
      writeLedger(dir, chain.lines.slice(0, -1));
    },
  ],
  ['without its first row', 1, (dir) => void writeLedger(dir, longer(chainOf()).lines.slice(1))],
  ['without a row in the middle', 1, (dir) => void writeLedger(dir, longer(chainOf()).lines.toSpliced(5, 1))],
  [
    'torn',
    1,
    (dir) => {
      healthy(dir);
      const { ledger } = testPaths(dir);
      writeFileSync(ledger, readFileSync(ledger).subarray(0, -20));
    },
  ],
];

function pythonExit(dir: string): number | null {
  return spawnSync('python3', [SCRIPT, testPaths(dir).ledger]).status;
}

for (const [name, exit, make] of CASES) {
  test(`verify and verify.py agree on a ledger: ${name}`, { skip: !python && 'no python3' }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'ledger-python-'));
    t.after(() => rmSync(dir, { recursive: true }));
    make(dir);
    const { verdict } = await verifyLedger({ paths: testPaths(dir), tailWaitMs: 0 });
    assert.deepEqual([exitCodeOf(verdict), pythonExit(dir)], [exit, exit]);
  });
}

test('verify and verify.py agree on changed bytes', { skip: !python && 'no python3' }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-python-'));
  t.after(() => rmSync(dir, { recursive: true }));
  healthy(dir);
  const { ledger } = testPaths(dir);
  const bytes = readFileSync(ledger);
  for (let offset = 0; offset < bytes.length; offset += 131) {
    const changed = Buffer.from(bytes);
    changed[offset] = (changed[offset] as number) ^ 1;
    writeFileSync(ledger, changed);
    const { verdict } = await verifyLedger({ paths: testPaths(dir), tailWaitMs: 0 });
    assert.deepEqual([verdict, pythonExit(dir)], ['broken', 1], `byte ${offset}`);
  }
});
