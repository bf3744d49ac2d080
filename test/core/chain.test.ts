/** The hash is over the stored bytes; writer and checker use one preimage. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { declaredLinks, HASH_SUFFIX_BYTES, hashOfLine, hashSuffix, placeRow } from '../../src/core/chain';
import { sha256Hex, ZERO_HASH } from '../../src/core/digest';
import { readLine } from '../../src/core/rowText';
import { checked } from '../support/writers';

const AT = {
  seq: 41,
  ts: '2026-04-25T20:09:24.604Z',
  id: '01JTESTTESTTESTTESTTESTTES',
  by: '1000:alice@build-3',
  nonce: 'm3JkAAAAAAAAAAAAAAAAAA',
  prevHash: 'a'.repeat(64),
  run: undefined,
  decision: undefined,
};

test('a stranger gets the stored hash by taking the hash member off the line', () => {
  const { line, hash } = placeRow(checked({ action: 'a.b', reason: 'Grüße\n\u0085"' }), AT);
  const preimage = line.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}');
  assert.equal(createHash('sha256').update(preimage).digest('hex'), hash);
  assert.equal(hashOfLine(Buffer.from(line)), hash);
  assert.deepEqual(declaredLinks(Buffer.from(line)), { prevHash: 'a'.repeat(64), hash });
});

test('members stand in their order, the stream places only where there is a stream', () => {
  const row = checked({ action: 'a.b', run_id: 'r', decision_id: 'd', payload: {}, extra: 1 });
  const streams = { run: { seq: 0, hash: ZERO_HASH }, decision: { seq: 7, hash: 'b'.repeat(64) } };
  const { line } = placeRow(row, { ...AT, ...streams });
  assert.deepEqual(
    Object.keys(JSON.parse(line) as object),
    'seq ts id by run_id decision_id action payload extra run_seq run_prev_hash decision_seq decision_prev_hash content_hash nonce prev_hash hash'.split(
      ' ',
    ),
  );
  assert.match(line, /"run_seq":1,"run_prev_hash":"0{64}","decision_seq":8,"decision_prev_hash":"b{64}"/);
  assert.doesNotMatch(placeRow(checked({ action: 'a.b' }), AT).line, /_seq"|content_hash/);
});

test('an account with an odd name cannot break the line', () => {
  const by = '0:ev"il\\\n\u202e\u001b[31m@höst';
  const { line } = placeRow(checked({ action: 'a.b' }), { ...AT, by });
  assert.equal((JSON.parse(line) as { by: string }).by, by);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/);
});

test('hashing leaves the bytes as they were', () => {
  const line = Buffer.from(placeRow(checked({ action: 'a.b' }), AT).line);
  const before = Buffer.from(line);
  hashOfLine(line);
  assert.ok(line.equals(before));
});

test('white space around a whole row makes it wrong, whatever its hash; without an object there it is torn', () => {
  const { line } = placeRow(checked({ action: 'a.b' }), AT);
  const forged = placeRow(checked({ action: 'a.b' }), { ...AT, by: 'x' }).line;
  const unhashed = ` ${forged.slice(0, -HASH_SUFFIX_BYTES)}`;
  const padded = [
    `${line}\r`,
    `${line} `,
    `${line}\t\r`,
    ` ${line}`,
    `${unhashed}${hashSuffix(sha256Hex(`${unhashed}}`))}`,
  ];
  for (const text of padded) {
    const read = readLine(Buffer.from(text));
    assert.ok(read.kind === 'wrong' && /white space|carriage return/.test(read.why), text);
  }
  for (const text of ['', ' ', '\r', ' \t\r', `${line}\0`, `\ufeff${line}`, ` ${line.slice(0, -1)}\r`, ` [${line}] `])
    assert.equal(readLine(Buffer.from(text)).kind, 'torn', text);
});

test('any changed byte makes a line torn or wrong, never a row', () => {
  const { line } = placeRow(checked({ action: 'a.b', n: 1 }), AT);
  for (let at = 0; at < line.length; at++) {
    const bytes = Buffer.from(line);
    bytes[at] = (bytes[at] as number) ^ 0x01;
    const { kind } = readLine(bytes);
    assert.ok(kind === 'torn' || kind === 'wrong', `byte ${at}: ${kind}`);
  }
});
