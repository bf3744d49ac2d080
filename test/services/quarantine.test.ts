/** What was set aside is named by the chain, so bytes of it that are gone or changed must show, also where no row is missing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { sha256Hex } from '../../src/core/digest';
import { ulidAt } from '../../src/core/ids';
import { setAsideLine } from '../../src/services/setAside';
import { verifyLedger } from '../../src/services/verify';
import { writeHealPlan } from '../../src/store/heal/healPlan';
import type { StatePaths } from '../../src/store/paths';
import { chainOf, TEST_START_MS, writeLedger } from '../support/ledgers';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import { fill, tear } from '../support/states';
import { tempFolder, writerIn } from '../support/writers';

const HARMS: Readonly<Record<string, (path: string) => void>> = {
  missing: (path) => rmSync(path),
  changed: (path) => appendFileSync(path, 'x'),
};

/** A ledger of two rows whose torn end was torn again in the middle of its heal; the file of the second tear. */
async function healedTwice(t: TestContext, dir: string): Promise<{ paths: StatePaths; alsoFile: string }> {
  const chain = chainOf();
  chain.add({ action: 'a.b' });
  const paths = writeLedger(dir, chain.lines);
  const offset = statSync(paths.ledger).size;
  const torn = '{"seq":3,"agent":"a';
  const healId = ulidAt(Date.now(), randomBytes(10));
  mkdirSync(paths.quarantine);
  writeFileSync(join(paths.quarantine, `${healId}.bin`), torn);
  writeHealPlan(paths, {
    heal_id: healId,
    kind: 'short',
    offset,
    length: torn.length,
    sha256: sha256Hex(torn),
    seq: 3,
  });
  // The first tear was cut off; this is what the power left of the heal row.
  appendFileSync(paths.ledger, '{"seq":3,"ts":"2026-');
  await writerIn(t, dir).append({ action: 'b.c' });
  const { payload } = rowsOf(paths.ledger)[2] as unknown as { payload: { also: { quarantine: string }[] } };
  return { paths, alsoFile: payload.also[0]?.quarantine as string };
}

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

  test(`the bytes of a second tear, met while the first was healed, are ${harm}: the same warning`, async (t) => {
    const dir = join(tempFolder(t), 'state');
    const { paths, alsoFile } = await healedTwice(t, dir);
    const before = await verifyLedger({ paths });
    assert.deepEqual([before.verdict, before.warnings], ['intact', []]);
    apply(join(dir, alsoFile));
    const { verdict, warnings } = await verifyLedger({ paths });
    assert.equal(verdict, 'intact');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] as string, new RegExp(`^heal row 3 .*sha256 [0-9a-f]{64} in ${alsoFile}, found `));
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

test('a whole row that was set aside as a second tear was no tear', async (t) => {
  const dir = join(tempFolder(t), 'state');
  const chain = chainOf();
  const [torn, row] = ['{"seq":', chain.add({ action: 'a.b' })];
  const [healId, alsoId] = [1, 2].map((n) => ulidAt(TEST_START_MS + n * 1e6, randomBytes(10))) as [string, string];
  const also = [{ quarantine: `quarantine/${alsoId}.bin`, length: row.length, sha256: sha256Hex(row) }];
  const payload = { kind: 'short', offset: 1, length: torn.length, sha256: sha256Hex(torn), original: {}, also };
  chain.addOwn('audit.heal-truncation', payload, { id: healId });
  const paths = writeLedger(dir, chain.lines);
  mkdirSync(paths.quarantine);
  writeFileSync(join(paths.quarantine, `${healId}.bin`), torn);
  writeFileSync(join(paths.quarantine, `${alsoId}.bin`), row);
  const { verdict, findings } = await verifyLedger({ paths });
  assert.deepEqual([verdict, findings.map(({ code, seq }) => [code, seq])], ['broken', [['GAP_UNJUSTIFIED', 3]]]);
});
