/** The quick look must let through whatever the detector would find: it is held against the detector's own expressions. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import fc from 'fast-check';
import { storedJson, storedString, toJson } from '../../src/core/json';
import { mayHoldSecret } from '../../src/core/secretScan';
import type { Rule } from '../../src/store/secrets/detectSecrets';
import { EXAMPLES, filler } from '../support/secrets';

const FIXTURES = resolve(__dirname, '../../fixtures');
/** Slack's, Sendgrid's and GitHub's expressions would take shorter texts than any that these give out. */
const SHORTEST_TOKEN = 24;

/** The expressions with which a rule looks at a text. */
function expressionsOf(rule: Rule): RegExp[] {
  const seen: RegExp[] = [];
  const content = { matchAll: (expression: RegExp) => (seen.push(expression), []) } as unknown as string;
  const context = { createTranslator: () => () => ({ message: '' }), report: () => undefined };
  rule.create(context, {}).file?.({ content, ext: '', contentType: 'text' });
  return seen;
}

/** One that texts can be made from: without what is around them, and with repeats that are soon at an end. */
function withoutSurroundings({ source, flags }: RegExp): RegExp {
  const plain = source
    .replace(/\(\?<?!(?:\\p\{L\}|\[[^\]]*\]|\\w)\)|\\b/g, '')
    .replace(/\(\?<[a-z]+>/g, '(?:')
    .replace(/\\s\*/g, ' {0,3}')
    .replace(
      /\{(\d+),(\d+)\}/g,
      (_, min: string, max: string) => `{${min},${Math.min(Number(max), Number(min) + 40)}}`,
    );
  return new RegExp(`^(?:${plain})$`, flags.replace(/[gim]/g, ''));
}

const all = (rules as unknown as readonly Rule[]).filter(({ meta }) => !meta.id.includes('filter-comments'));
for (const rule of all) {
  for (const expression of expressionsOf(rule)) {
    const name = rule.meta.id.replace(/^.*-rule-/, '');
    test(`${name}: ${expression.source.slice(0, 60)}`, () => {
      let looked = 0;
      const found = fc.property(fc.stringMatching(withoutSurroundings(expression)), (text) => {
        const match = new RegExp(expression.source, expression.flags.replace('g', '')).exec(text);
        // Without who and a password an address is none.
        const isAddress = expression.source.includes('<username>') && match?.groups?.['username'] === undefined;
        if (match === null || isAddress || (text.length < SHORTEST_TOKEN && !text.includes('://'))) return;
        // Of 40 random characters one is among 20 of 64, but for one key in three million.
        if (rule.meta.id.endsWith('-aws') && !/[g-z]/.test(match[1] ?? '')) return;
        looked++;
        assert.ok(mayHoldSecret(storedString(text)), text);
        assert.ok(mayHoldSecret(storedJson(new Map([['note', `see ${text}, it fails`]]))), text);
      });
      fc.assert(found, { numRuns: 300 });
      assert.ok(looked > 20, `only ${looked} texts to look at`);
    });
  }
}

test('an example of each, alone and in the middle of a text', () => {
  for (const [kind, text] of EXAMPLES)
    for (const row of [{ x: text }, { note: `see "${text}", it fails` }, { list: ['a', { deep: [text] }] }])
      assert.ok(mayHoldSecret(storedJson(toJson(row))), kind);
});

test('a key that its name alone tells', () => {
  for (const name of ['aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY', 'secretAccessKey', 'SecretAccessKey'])
    assert.ok(mayHoldSecret(`{"a":1,"${name}":"${filler(40)}"}`), name);
});

test('wherever it begins', () => {
  const [, token] = EXAMPLES[0] as readonly [string, string];
  for (let before = 0; before < 60; before++) {
    assert.ok(mayHoldSecret(' '.repeat(before) + token), String(before));
    assert.ok(mayHoldSecret(`${'é'.repeat(before)} ${'x'.repeat(before)}/${token}`), String(before));
  }
});

test('ids, hashes and usual words take no second look', () => {
  const texts = [
    '{"run_id":"01JA6V3T5YQ8R2N4X7Z9B1C3D5","ref":"01ja6v3t5yq8r2n4x7z9b1c3d5"}',
    '{"trace":"de5b5ed3-1111-4222-8333-444455556666","commit":"0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}',
    `{"sha256":"${filler(64, '0123456789abcdef')}","npm":"npm_config_registry_is_set","path":"src/store/secrets/detectSecrets.ts"}`,
    '{"actor":"ann@acme.example","url":"https://acme.example:8443/x?y=z","other":"ssh://git@acme.example/x.git"}',
    '{"key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9Yd1rFzQy3b0g3 ann@acme.example"}',
    '{"idempotency_key":"webhook:stripe:evt_1PqRsTuVwXyZaBcDeFgHiJkL","customer":"cus_NffrFeUfNV2HibAbCdEf"}',
  ];
  for (const text of texts) assert.ok(!mayHoldSecret(text), text);
  const files = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  assert.ok(files.length > 10);
  for (const file of files)
    for (const line of readFileSync(join(FIXTURES, file), 'latin1').split('\n'))
      assert.ok(!mayHoldSecret(line), `${file}: ${line}`);
});
