/** What must not be sealed, or not like this: each would leave a value in the open, or a seal that nobody can open or erase. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { openingOf } from '../../src/core/seal';
import { ensureBuilt } from '../support/built';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { done, settings, VALUE } from '../support/sealed';

before(ensureBuilt);

const digestOf = (box: Sandbox, seq: number): string =>
  (rowsOf(box.ledger)[seq - 1] as unknown as { reason: { sealed: string } }).reason.sealed;

test('a seal that is copied into a row of somebody else is refused', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', '--reason', VALUE, '--seal', 'reason']);
  const copy = `{"action":"a.c","reason":{"sealed":"${digestOf(box, 2)}"}}`;
  for (const args of [
    ['append', copy],
    ['append', '--json', '-'],
  ]) {
    const ended = await ledger(box, args, { stdin: `${copy}\n` });
    assert.equal(ended.status, 2);
    assert.match(ended.stdout, /MEMBER_RESERVED/);
  }
  assert.equal(rowsOf(box.ledger).length, 2);
});

test('two fields of one row that are named alike are not sealed', async (t) => {
  const box = sandbox(t);
  const row = `{"action":"a.b","a.b":{"c":"${VALUE}"},"a":{"b":{"c":"x"}}}`;
  const ended = await ledger(box, ['append', row, '--seal', 'a.b.c']);
  assert.equal(ended.status, 2);
  assert.match(ended.stdout, /MEMBER_RESERVED .*two fields of the row are named so/);
  await done(box, ['append', row, '--seal', 'a']);
});

test('in a pipe a field to seal that no line has is told of at the end; one that some lines have is not', async (t) => {
  const box = sandbox(t);
  const stdin = `{"action":"a.b","reason":"${VALUE}"}\n{"action":"a.c"}\n`;
  const misspelt = await ledger(box, ['append', '-', '--seal', 'reason', '--seal', 'raeson'], { stdin });
  assert.equal(misspelt.status, 2);
  assert.match(misspelt.stderr, /expected a field "raeson" to seal, found no line that has it/);
  await done(box, ['append', '-', '--seal', 'reason'], { stdin });
  const json = await ledger(box, ['append', '--json', '-', '--seal', 'raeson'], { stdin });
  assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'USAGE');
});

test('wildcards are not known: neither in the settings nor in flags', async (t) => {
  const box = sandbox(t);
  const row = '{"action":"a.b","payload":{"items":[{"email":"x"}]}}';
  for (const field of ['payload.items[*].email', 'payload.items[].email', 'payload.items[']) {
    const ended = await ledger(box, ['append', '--json', '-', '--seal', field], { stdin: `${row}\n` });
    assert.equal(ended.status, 2, field);
    assert.match(ended.stdout, /wildcards are not known/);
    settings(box, { seal: [field] });
    const set = await ledger(box, ['append', row]);
    assert.equal(set.status, 2);
    assert.match(set.stderr, /"?seal"?\[0\].*wildcards are not known/);
    settings(box, {});
  }
  await done(box, ['append', row, '--seal', 'payload.items[0].email']);
});

test('outcomes are counted, and a whole payload is more than a setting may seal', async (t) => {
  const box = sandbox(t);
  const ended = await ledger(box, ['append', 'a.b', '--outcome', 'failure', '--seal', 'outcome']);
  assert.match(ended.stdout, /reports and queries count by it/);
  settings(box, { seal: ['payload'] });
  const set = await ledger(box, ['run', '--', 'true']);
  assert.match(set.stderr, /"?seal"?\[0\].*name its fields/);
  settings(box, { seal: ['payload.result'] });
  const gate = '{"action":"policy.gate","decision_id":"d","reason":"r","payload":{"gate_id":"g","result":"fail"}}';
  const judged = await ledger(box, ['append', gate]);
  assert.equal(judged.status, 2);
  assert.match(judged.stderr, /hint: "seal" in the config names it: take "payload.result" out there/);
  settings(box, {});
  await done(box, ['append', '{"action":"a.b","payload":{"x":1}}', '--seal', 'payload']);
});

test('another value under the digest of a real opening hides nothing, and lines do not tell how long a value is', async (t) => {
  const box = sandbox(t);
  const file = join(box.dir, 'sealed.jsonl');
  const lines = ['x', VALUE, 'y'.repeat(300)].map((reason) => `${JSON.stringify({ action: 'a.b', reason })}\n`);
  await done(box, ['append', '-', '--seal', 'reason'], { stdin: lines.join('') });
  assert.deepEqual(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.byteLength(line)),
    [256, 256, 512],
  );
  const bogus = JSON.stringify({ ...openingOf('reason', 'bogus', 'A'.repeat(22)), digest: digestOf(box, 3) });
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, `${bogus}\n${whole}`);
  assert.ok((await done(box, ['disclose', '3', 'reason'])).stdout.includes(VALUE));
  appendFileSync(file, `${bogus}\n`);
  await done(box, ['erase', '3', 'reason', '--reason', 'r']);
  assert.ok(!readFileSync(file, 'utf8').includes('bogus'));
});
