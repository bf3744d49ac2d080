/** Sealed values of imported lines: in no key, in no other member, and never dropped without a word. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { ensureBuilt } from '../support/built';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import { done, settings, VALUE, warnings } from '../support/sealed';
import { GITHUB_TOKEN } from '../support/secrets';

before(ensureBuilt);

const line = (reason: unknown, more: object = {}): string =>
  JSON.stringify({ ts: '2026-01-01T00:00:00Z', action: 'a.b', reason, ...more });

test('the key of a line tells nothing of what is sealed in it', async (t) => {
  const box = sandbox(t);
  settings(box, { seal: ['reason'] });
  const file = `${line('yes')}\n${line('no')}\n${JSON.stringify({ action: 'x.y', n: 1 })}\n`;
  await done(box, ['import', '-'], { stdin: file });
  const keys = rowsOf(box.ledger).slice(1).map((row) => String(row['idempotency_key'])); // prettier-ignore
  const open = createHash('sha256').update('{"action":"a.b","reason":null,"ts":"2026-01-01T00:00:00Z"}').digest('hex');
  assert.deepEqual(keys.slice(0, 2), [`import:sealed:${open}:1`, `import:sealed:${open}:2`]);
  assert.match(keys[2] ?? '', /^import:[0-9a-f]{64}:1$/);
  for (const value of ['yes', 'no'])
    assert.ok(!readFileSync(box.ledger, 'utf8').includes(createHash('sha256').update(line(value)).digest('hex')));
  const again = JSON.parse((await done(box, ['import', '-', '--json'], { stdin: file })).stdout) as object;
  assert.deepEqual({ ...again, imported: 0, duplicates: 3, conflicts: 0 }, again);

  const other = await ledger(box, ['import', '-'], { stdin: `${line('maybe')}\n` });
  assert.equal(other.status, 2);
  assert.match(other.stderr, /1 line was not imported: .* another sealed value/);
  assert.equal(rowsOf(box.ledger).length, 4);
  await done(box, ['erase', '2', 'reason', '--reason', 'r']);
  const erased = await ledger(box, ['import', '-', '--json'], { stdin: file });
  assert.equal(erased.status, 2);
  assert.equal((JSON.parse(erased.stdout) as { conflicts: number }).conflicts, 1);
  assert.deepEqual(await warnings(box), []);
});

test('what is to be sealed and is of the wrong type is set aside, not kept in the open', async (t) => {
  const box = sandbox(t);
  settings(box, { seal: ['reason', 'payload.email'] });
  const kept = [line(null), line('')];
  const aside = [line([VALUE]), line({ deep: VALUE }), line(1, { model: VALUE }), line(VALUE.repeat(10_000))];
  const ended = await ledger(box, ['import', '-', '--json'], { stdin: [...kept, ...aside, ''].join('\n') });
  assert.equal(ended.status, 1);
  const { imported, broken } = JSON.parse(ended.stdout) as { imported: number; broken: object };
  assert.deepEqual([imported, broken], [2 + 1, { MEMBER_VALUE: 3 }]);
  settings(box, { secrets: 'seal' });
  await ledger(box, ['import', '-'], { stdin: `${line([GITHUB_TOKEN])}\n${line({ deep: GITHUB_TOKEN })}\n${line('x', { payload: [GITHUB_TOKEN] })}\n` }); // prettier-ignore
  for (const value of [VALUE + '"]', `"deep":"${VALUE}`, GITHUB_TOKEN])
    assert.ok(!readFileSync(box.ledger, 'utf8').includes(value), value);
});

test('an opening of an imported row that is lost is told of; those of another ledger never were here', async (t) => {
  const box = sandbox(t);
  const foreign = line({ sealed: 'a'.repeat(64) });
  await done(box, ['import', '-'], { stdin: `${foreign}\n` });
  assert.deepEqual(await warnings(box), []);
  settings(box, { seal: ['reason'] });
  await done(box, ['import', '-'], { stdin: `${line(VALUE)}\n` });
  assert.deepEqual(await warnings(box), []);
  writeFileSync(join(box.dir, 'sealed.jsonl'), '');
  assert.match((await warnings(box)).join(), /a sealed field has no opening that fits.* row 3 /);
});
