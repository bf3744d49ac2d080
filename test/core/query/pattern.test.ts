/** Regular expressions cannot hang: what explodes where an engine backtracks ends here. In a process of its own, with a hard end. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { compilePattern } from '../../../src/core/query/pattern';
import { run } from '../../support/process';

const EXPLODING: readonly (readonly [pattern: string, unit: string, end: string])[] = [
  ['(a*)*b', 'a', 'c'],
  ['^(a+)+$', 'a', '!'],
  ['(a|aa)+$', 'a', '!'],
  ['(x+x+)+y', 'x', ''],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a', ''],
  ['(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^a]$', 'a', 'a'],
  ['(?i)(\\w+\\s?)*!$', 'ab ', '?'],
  ['(a?){30}a{30}b', 'a', ''],
];

const SCRIPT = `
  const { compilePattern } = require(process.env.PATTERN_FILE);
  const found = JSON.parse(process.env.EXPLODING).map(([pattern, unit, end]) =>
    compilePattern(pattern).test(unit.repeat(100_000 / unit.length) + end));
  console.log(JSON.stringify(found));
`;

test('patterns that explode elsewhere answer over 100 kB', async () => {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    PATTERN_FILE: join(__dirname, '../../../src/core/query/pattern.ts'),
    EXPLODING: JSON.stringify(EXPLODING),
  };
  const ended = await run([process.execPath, '--import', 'tsx', '-e', SCRIPT], { env, timeoutMs: 60_000 });
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(
    JSON.parse(ended.stdout),
    EXPLODING.map(() => false),
  );
});

test('a pattern that is none, or is too large, is refused at once', () => {
  const large = [
    '(((a{100}){100}){100})',
    'a{1001}',
    '('.repeat(20_000),
    `${'('.repeat(20_000)}a${')'.repeat(20_000)}`,
  ];
  for (const pattern of ['(', '[', '*', '(?=a)', '(?<!a)', '(a)\\1', '\\', ...large])
    assert.throws(() => compilePattern(pattern), { code: 'USAGE' }, pattern.slice(0, 40));
});

test('it is found anywhere in the text, with classes, flags and anchors', () => {
  const found = (pattern: string, text: string): boolean => compilePattern(pattern).test(text);
  assert(found('out|refused', 'time out after 3 s') && found('(?i)ÄB', 'xäby') && found('^\\pL+$', 'Grüße'));
  assert(found('a.c', 'a🧾c') && found('(?s)a.c', 'a\nc') && !found('a.c', 'a\nc') && found('', ''));
  assert(!found('^b', 'ab') && !found('b$', 'bc') && found('(?m)^b', 'a\nb'));
});
