/**
 * A complete object with white space around it is no row and is not torn: an editor, or a transfer that changed line ends,
 * put it there, and taking it out gives every byte back. Everyone names it, nobody heals it.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { rollup } from '../../../src/services/rollup';
import { setAsideLine } from '../../../src/services/setAside';
import { show } from '../../../src/services/show';
import { sweep } from '../../../src/services/sweep';
import { verify } from '../../../src/services/verify';
import { chainOf, TEST_START_MS, writeLedger } from '../../support/ledgers';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

const ROWS = 6;
const PADS: Readonly<Record<string, (line: string) => string>> = {
  'a carriage return at its end': (line) => `${line}\r`,
  'a space behind it': (line) => `${line} `,
  'a space before it': (line) => ` ${line}`,
};

async function made(t: TestContext, pad: (lines: readonly string[]) => readonly string[]) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (let n = 2; n <= ROWS; n++) chain.add({ action: 'a.b', cost_usd: '0.01' });
  const paths = writeLedger(dir, chain.lines);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  await sweep({ place, dryRun: false });
  const padded = Buffer.from(pad(chain.lines).join('\n') + '\n');
  writeFileSync(paths.ledger, padded);
  return { dir, paths, place, chain, padded };
}

const kindsOf = ({ damage }: Awaited<ReturnType<typeof sweep>>) =>
  damage.map(({ what, outcome }) => `${outcome} ${what}`);

for (const [name, pad] of Object.entries(PADS)) {
  test(`a row in the middle with ${name}: named by all, healed by none, set aside by hand`, async (t) => {
    const { dir, paths, place, padded } = await made(t, (lines) => lines.with(3, pad(lines[3] as string)));
    // The places of the rows behind it are others now: that is all that a sweep has to put right.
    assert.deepEqual(kindsOf(await sweep({ place, dryRun: false })), ['healed index-differs']);
    assert.deepEqual(kindsOf(await sweep({ place, dryRun: false })), []);
    assert.ok(readFileSync(paths.ledger).equals(padded));
    assert.ok(!existsSync(paths.quarantine));
    const { verdict, findings } = await verify({ place });
    assert.deepEqual([verdict, findings.map(({ code, seq }) => [code, seq])], ['broken', [['MALFORMED', 4]]]);
    assert.deepEqual(
      (await show(place, '4')).found.map(({ kind }) => kind),
      ['wrong'],
    );
    const { warnings } = await rollup({ place, nowMs: TEST_START_MS + 60_000, tz: 'UTC' });
    assert.match(JSON.stringify(warnings), /1 broken line/);
    assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b' })), 'landed');
    await setAsideLine({ place, target: '4', actor: 'alice', reason: 'an editor' });
    assert.equal((await verify({ place })).verdict, 'gaps');
  });

  test(`a last row with ${name}, newline or not: no append builds on it, no sweep takes it out`, async (t) => {
    for (const cut of [0, 1]) {
      const { dir, paths, place, padded } = await made(t, (lines) => lines.with(-1, pad(lines.at(-1) as string)));
      const bytes = padded.subarray(0, padded.length - cut);
      writeFileSync(paths.ledger, bytes);
      assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b' })), 'spilled');
      assert.deepEqual(kindsOf(await sweep({ place, dryRun: false })), ['kept tampered-tail']);
      assert.ok(readFileSync(paths.ledger).equals(bytes));
      const { verdict, findings } = await verify({ place, tailWaitMs: 0 });
      assert.deepEqual([verdict, findings[0]?.code, findings[0]?.seq], ['broken', 'MALFORMED', ROWS]);
      assert.ok(!findings.some(({ code }) => code === 'TRUNCATED'), 'it is there');
    }
  });
}

test('changed line ends all over: evidence, a hint, and what takes them out gives an intact ledger', async (t) => {
  const { paths, place, chain } = await made(t, (lines) => lines.map((line) => `${line}\r`));
  const { verdict, findings } = await verify({ place });
  assert.deepEqual([verdict, findings.filter(({ code }) => code === 'MALFORMED').length], ['broken', ROWS]);
  assert.match(findings[0]?.got ?? '', /dos2unix/);
  assert.deepEqual(kindsOf(await sweep({ place, dryRun: false })), ['kept tampered-tail']);
  const text = readFileSync(paths.ledger, 'latin1').replaceAll('\r\n', '\n');
  writeFileSync(paths.ledger, text, 'latin1');
  assert.equal(text, chain.lines.map((line) => `${line}\n`).join(''));
  assert.equal((await verify({ place })).verdict, 'intact');
});
