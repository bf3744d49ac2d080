/** kill -9 before every call of a checkpoint that changes something: nothing half-made counts, and the next one goes on. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { keyFile, trusted } from '../support/checkpoints';
import { view } from '../support/check';
import { cannotMount, fillUp, tmpfs, useUpInodes } from '../support/mounts';
import { missingTools } from '../support/process';
import { ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill } from '../support/states';
import { changing, sample } from '../support/strace';
import { killSweep, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc');
const CONFIG = 'xdg/ledger.config.json';
const SIGN = ['checkpoint', '--sign', './keys/ops', '--config', CONFIG];

/** A key, and settings that trust it. */
function furnish(box: Sandbox): void {
  const key = keyFile(join(box.root, 'keys/ops'));
  mkdirSync(box.stateHome, { recursive: true });
  writeFileSync(join(box.root, CONFIG), JSON.stringify({ keys: [trusted(key)] }));
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
const notesIn = (box: Sandbox): string[] =>
  namesIn(join(box.dir, 'checkpoints')).filter((name) => !name.startsWith('.'));
const toldIn = (box: Sandbox): string[] =>
  view(box)
    .rows.filter((row) => row['action'] === 'audit.checkpoint')
    .map((row) => `${String((row['payload'] as { size: number }).size)}.txt`);

async function verifyFaults(box: Sandbox, when: string): Promise<string[]> {
  const { status, stdout } = await ledger(box, ['verify', '--json', '--config', CONFIG]);
  const { tree, key } = JSON.parse(stdout) as { tree: string; key: string };
  const isRight = status === 0 && (notesIn(box).length === 0 || (tree === 'agrees' && key === 'trusted'));
  return isRight ? [] : [`verify ${when}: exit ${status}, ${stdout}`];
}

/** What the same call found after each kill. */
const found = new Set<string>();

async function look(box: Sandbox): Promise<string[]> {
  const faults = await verifyFaults(box, 'after the kill');
  const again = await ledger(box, [...SIGN, '--json']);
  if (again.status !== 0 || again.stderr !== '') faults.push(`the same again: exit ${again.status}, ${again.stderr}`);
  found.add(/"status":"([a-z]+)"/.exec(again.stdout)?.[1] ?? 'nothing');
  const [notes, told] = [notesIn(box).sort(), toldIn(box).sort()];
  if (notes.length !== 2 || notes.join() !== told.join()) faults.push(`notes: ${notes.join()}; rows: ${told.join()}`);
  return [...faults, ...(await verifyFaults(box, 'in the end'))];
}

test(
  'killed before every call of a checkpoint: no half note, and the next one leaves one note and one row a size',
  { skip },
  async (t) => {
    const template = sandbox(t);
    await fill(template, 3);
    furnish(template);
    const first = await ledger(template, SIGN);
    assert.equal(first.status, 0, first.stderr);
    const before = await fill(template, 2, 'more');
    const { points, killed, failures } = await killSweep({
      program: SHIPPED,
      command: ledgerCommand(...SIGN),
      template,
      before,
      marks: [],
      during: (box) => {
        for (const name of ['keys', 'xdg'])
          cpSync(join(template.root, name), join(box.root, name), { recursive: true });
        return Promise.resolve(() => Promise.resolve());
      },
      choose: (calls) => sample(changing(calls), 8),
      look,
    });
    t.diagnostic(`${points} points, ${killed} killed`);
    assert.deepEqual(failures, []);
    assert.equal(killed, points, 'a point that was not reached proves nothing');
    assert.deepEqual([...found].sort(), ['current', 'signed'], 'kills before and after the note');
  },
);

for (const [what, exhaust] of [
  ['space', fillUp],
  ['inodes', useUpInodes],
] as const) {
  test(
    `a disk without ${what} for checkpoints: a clear error, nothing half-made, and the next one goes on`,
    { skip: cannotMount() },
    async (t) => {
      const box = sandbox(t);
      await fill(box, 3);
      furnish(box);
      const mount = tmpfs(t, join(box.dir, 'checkpoints'), 'size=64k,nr_inodes=8');
      const free = exhaust(mount);
      const { status, stdout, stderr } = await ledger(box, SIGN);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /ENOSPC|no space|disk/i);
      assert.deepEqual([notesIn(box).filter((name) => name.endsWith('.txt')), toldIn(box)], [[], []]);
      assert.deepEqual(
        namesIn(mount).filter((name) => name.startsWith('.')),
        [],
        'no temporary file is left',
      );
      free();
      const again = await ledger(box, SIGN);
      assert.deepEqual([again.status, again.stderr], [0, '']);
      assert.deepEqual([notesIn(box), toldIn(box)], [['4.txt'], ['4.txt']]);
    },
  );
}
