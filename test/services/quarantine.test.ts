/** What was set aside is named by the chain, so bytes of it that are gone or changed must show, also where no row is missing. */
import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setAsideLine } from '../../src/services/setAside';
import { verifyLedger } from '../../src/services/verify';
import { chainOf, writeLedger } from '../support/ledgers';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import { fill, tear } from '../support/states';
import { tempFolder } from '../support/writers';

const HARMS: Readonly<Record<string, (path: string) => void>> = {
  missing: (path) => rmSync(path),
  changed: (path) => appendFileSync(path, 'x'),
};

for (const [harm, apply] of Object.entries(HARMS)) {
  test(`the bytes of a healed end are ${harm}: a warning with row and file, in prose and in JSON; no row is missing`, async (t) => {
    const box = sandbox(t);
    await fill(box, 2);
    tear(box, 'short');
    await fill(box, 1, 'next');
    const heal = rowsOf(box.ledger).find(({ action }) => action === 'audit.heal-truncation') as {
      seq: number;
      id: string;
    };
    apply(join(box.dir, 'quarantine', `${heal.id}.bin`));
    const told = new RegExp(`heal row ${heal.seq} .*sha256 [0-9a-f]{64} in quarantine/${heal.id}\\.bin, found `);
    const json = await ledger(box, ['verify', '--json']);
    const { verdict, warnings } = JSON.parse(json.stdout) as { verdict: string; warnings: string[] };
    assert.deepEqual([json.status, verdict], [0, 'intact']);
    assert.ok(
      warnings.some((warning) => told.test(warning)),
      json.stdout,
    );
    assert.match((await ledger(box, ['verify'])).stdout, new RegExp(`^warning +${told.source}`, 'm'));
  });

  test(`the bytes of a line that a person set aside are ${harm}: GAP_UNBACKED, also where no row is missing`, async (t) => {
    const dir = tempFolder(t);
    const chain = chainOf();
    for (let n = 0; n < 3; n++) chain.add({ action: 'a.b', n });
    const paths = writeLedger(dir, [...chain.lines, chain.lines[1] as string]);
    const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
    const { quarantine } = await setAsideLine({ place, target: 'line:5', actor: undefined, reason: 'replayed' });
    apply(join(dir, String(quarantine)));
    const result = await verifyLedger({ paths });
    assert.equal(result.verdict, 'broken');
    assert.deepEqual(
      result.findings.map(({ code, seq }) => [code, seq]),
      [
        ['GAP', 5],
        ['GAP_UNBACKED', 5],
      ],
    );
  });
}
