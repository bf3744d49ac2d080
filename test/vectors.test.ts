/**
 * Other people's vectors: canonical JSON (RFC 8785) and what a strict reader must refuse, read where they lie
 * (`../shared/vectors`); and SHA-256 against a second implementation.
 */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { sha256Hex } from '../src/core/digest';
import { LedgerError } from '../src/core/errors';
import { canonicalJson, storedJson, toJson } from '../src/core/json';
import { parseJson } from '../src/core/parseJson';

const VECTORS = resolve(__dirname, '../../shared/vectors');
const skip = existsSync(VECTORS) ? false : 'the shared vectors are not here';

/** It has 333333333.33333329, which no double holds: a row with it is refused, not changed. */
const LOSSY: ReadonlySet<string> = new Set(['values.json']);
const CANONICAL = join(VECTORS, 'json-canonicalization/testdata');

test('canonical form is that of the RFC 8785 vectors, byte for byte', { skip }, () => {
  const names = readdirSync(join(CANONICAL, 'input'));
  assert.ok(names.length >= 6, 'there are vectors');
  for (const name of names) {
    const text = readFileSync(join(CANONICAL, 'input', name), 'utf8');
    const value = toJson(JSON.parse(text));
    const want = readFileSync(join(CANONICAL, 'output', name));
    const hex = readFileSync(join(CANONICAL, 'outhex', name.replace('.json', '.txt')), 'utf8').replace(/\s/g, '');
    const got = Buffer.from(canonicalJson(value));
    assert.deepEqual(got, want, name);
    assert.equal(got.toString('hex'), hex, name);
    // A row's own form loses nothing of it.
    assert.equal(canonicalJson(parseJson(storedJson(value))), want.toString(), name);
    if (LOSSY.has(name)) assert.throws(() => parseJson(text), { code: 'JSON_NUMBER' }, name);
    else assert.equal(canonicalJson(parseJson(text)), want.toString(), name);
  }
});

interface Negative {
  readonly must_reject: readonly (readonly [string, string])[];
  readonly lossy_in_js_flag: readonly (readonly [string, string])[];
  readonly must_accept: readonly (readonly [string, string, string?])[];
}

const negative = (): Negative => JSON.parse(readFileSync(join(VECTORS, 'jcs-negative/cases.json'), 'utf8')) as Negative;

/** As the ledger reads input: valid UTF-8 first, then strict JSON. */
function readHex(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (!isUtf8(bytes)) throw new LedgerError('INPUT_UTF8', 'not UTF-8');
  return canonicalJson(parseJson(bytes.toString('utf8')));
}

test('what two readers could read differently is refused, lossy numbers too', { skip }, () => {
  const { must_reject: refused, lossy_in_js_flag: lossy } = negative();
  assert.ok(refused.length >= 9 && lossy.length >= 2);
  for (const [hex, why] of [...refused, ...lossy]) assert.throws(() => readHex(hex), LedgerError, why);
});

test('what only looks odd is accepted', { skip }, () => {
  for (const [hex, why, want] of negative().must_accept) {
    const got = readHex(hex);
    assert.equal(Buffer.from(got).toString('hex'), want ?? hex, why);
  }
});

test('SHA-256 agrees with a second implementation, for bytes and for text', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 1000, 1 << 16]) {
    const bytes = randomBytes(length);
    assert.equal(sha256Hex(bytes), bytesToHex(nobleSha256(bytes)), `${length} bytes`);
    assert.equal(sha256Hex(bytes), createHash('sha256').update(bytes).digest('hex'));
  }
  for (const text of ['', 'abc', 'Grüße \u0085 😀'])
    assert.equal(sha256Hex(text), bytesToHex(nobleSha256(utf8ToBytes(text))), text);
});
