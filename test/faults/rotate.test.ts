/** kill -9 before every call of a key rotation that changes something: the row is there with both signatures, or not at all. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { view } from '../support/check';
import { missingTools } from '../support/process';
import { ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill } from '../support/states';
import { killSweep, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc');
const CONFIG = 'xdg/ledger.config.json';
const ROTATE = ['key', 'rotate', './keys/new', '--config', CONFIG, '--reason', 'a test'];

/** The settings and the keys of a box: those of a template. */
function furnish(from: Sandbox, to: Sandbox): void {
  cpSync(join(from.root, 'keys'), join(to.root, 'keys'), { recursive: true });
  const settings = {
    keys: [{ actor: 'ops', roles: ['checkpoint'], key: readFileSync(join(from.root, 'keys/old.pub'), 'utf8').trim() }],
  };
  mkdirSync(to.stateHome, { recursive: true });
  writeFileSync(join(to.root, 'auditor.json'), JSON.stringify(settings));
  writeFileSync(join(to.root, CONFIG), JSON.stringify({ ...settings, signer: join(to.root, 'keys/old') }));
}

const rotationsIn = (box: Sandbox): number =>
  view(box).rows.filter((row) => row['action'] === 'audit.key-rotation').length;

/** Whoever trusts the old key alone finds nothing wrong. */
async function faultsFor(box: Sandbox, config: string): Promise<string[]> {
  const { status, stdout } = await ledger(box, ['verify', '--json', '--config', config]);
  return status === 0 ? [] : [`verify --config ${config}: exit ${status}, ${stdout}`];
}

/** The settings are the old ones or the new ones, and say no more than the ledger does. */
function configFaults(box: Sandbox): string[] {
  const { signer, keys } = JSON.parse(readFileSync(join(box.root, CONFIG), 'utf8')) as {
    readonly signer: string;
    readonly keys: readonly unknown[];
  };
  const isNew = signer === join(box.root, 'keys/new');
  const faults = keys.length === (isNew ? 2 : 1) ? [] : [`half the settings: ${signer}, ${keys.length} keys`];
  return isNew && rotationsIn(box) === 0 ? [...faults, 'the settings are ahead of the ledger'] : faults;
}

/** What the same call found after each kill. */
const found = new Set<string>();

async function look(box: Sandbox): Promise<string[]> {
  const atOnce = [...(await faultsFor(box, 'auditor.json')), ...configFaults(box)];
  const again = await ledger(box, [...ROTATE, '--old', './keys/old', '--json']);
  if (again.status !== 0) atOnce.push(`the same again: exit ${again.status}, ${again.stderr}`);
  found.add(
    `${/"status":"([a-z]+)"/.exec(again.stdout)?.[1]}${/"config_changed":false/.test(again.stdout) ? ', settings too' : ''}`,
  );
  if (rotationsIn(box) !== 1) atOnce.push(`rotations: ${rotationsIn(box)}`);
  if (!readFileSync(join(box.root, CONFIG), 'utf8').includes('keys/new')) atOnce.push('the settings were not finished');
  return [...atOnce, ...configFaults(box), ...(await faultsFor(box, 'auditor.json')), ...(await faultsFor(box, CONFIG))]; // prettier-ignore
}

test(
  'killed before every call of a key rotation: one whole row or none, and the same again finishes it',
  { skip },
  async (t) => {
    const template = sandbox(t);
    const before = await fill(template, 3);
    for (const name of ['old', 'new']) assert.equal((await ledger(template, ['key', 'new', '-q', `./keys/${name}`])).status, 0); // prettier-ignore
    const { points, killed, failures } = await killSweep({
      program: SHIPPED,
      command: ledgerCommand(...ROTATE),
      template,
      before,
      marks: [],
      during: (box) => {
        furnish(template, box);
        return Promise.resolve(() => Promise.resolve());
      },
      look,
    });
    t.diagnostic(`${points} points, ${killed} killed`);
    assert.deepEqual(failures, []);
    assert.equal(killed, points, 'a point that was not reached proves nothing');
    assert.deepEqual([...found].sort(), ['finished', 'finished, settings too', 'rotated'], 'kills at each stage');
    assert.ok(points >= 8, `expected at least 8 points, found ${points}`);
  },
);
