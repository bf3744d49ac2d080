/** The file of openings: torn ends, writers beside each other, and what is left of one that was erased. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { openingOf, openingText } from '../../../src/core/seal';
import type { Opening } from '../../../src/core/seal';
import { statePaths } from '../../../src/store/paths';
import type { StatePaths } from '../../../src/store/paths';
import { blankOpenings, eachOpening, Openings, storeOpenings } from '../../../src/store/sealed/openings';
import { tempFolder } from '../../support/writers';

const SALT = 'AAECAwQFBgcICQoLDA0ODw';

function place(t: TestContext): StatePaths {
  const dir = join(tempFolder(t), 'state');
  mkdirSync(dir, { mode: 0o700 });
  return statePaths(dir, { HOME: dir });
}

const made = (count: number, size = 10): Opening[] =>
  Array.from({ length: count }, (_, i) => openingOf('reason', `${i} ${'x'.repeat(size)}`, SALT));

function digests(paths: StatePaths): string[] {
  const found: string[] = [];
  eachOpening(paths, (digest) => void found.push(digest));
  return found;
}

test('stored once, for the owner alone, found in any order', (t) => {
  const paths = place(t);
  const openings = made(2_000, 1_000);
  storeOpenings(paths, openings.slice(0, 1_500));
  storeOpenings(paths, openings);
  storeOpenings(paths, []);
  assert.equal(statSync(paths.sealed).mode & 0o777, 0o600);
  assert.deepEqual(digests(paths), openings.map(({ digest }) => digest)); // prettier-ignore
  const reader = new Openings(paths);
  for (const i of [0, 1, 2, 1_999, 3, 1_000])
    assert.deepEqual(reader.find(openings[i]?.digest ?? ''), openings[i], String(i));
  assert.equal(reader.find('0'.repeat(64)), undefined);
  assert.equal(new Openings({ ...paths, sealed: `${paths.sealed}.none` }).find('0'.repeat(64)), undefined);
});

test('a line that a crash cut short takes nothing with it', (t) => {
  const paths = place(t);
  const [one, torn, two] = made(3) as [Opening, Opening, Opening];
  storeOpenings(paths, [one]);
  appendFileSync(paths.sealed, openingText(torn).slice(0, 120));
  storeOpenings(paths, [two]);
  const reader = new Openings(paths);
  assert.deepEqual([one, torn, two].map(({ digest }) => reader.find(digest)), [one, undefined, two]); // prettier-ignore
  assert.ok(reader.has(torn.digest));
  assert.equal(blankOpenings(paths, new Set([torn.digest])), 1, 'what is there of it can be erased');
  assert.ok(!reader.has(torn.digest));
});

test('erased, wherever it stands and as often; nothing else is touched', (t) => {
  const paths = place(t);
  const openings = made(5, 50_000);
  const [, second] = openings as [Opening, Opening];
  storeOpenings(paths, openings);
  appendFileSync(paths.sealed, `\n${openingText(second)}\n`);
  const before = readFileSync(paths.sealed, 'utf8');
  assert.equal(blankOpenings(paths, new Set([second.digest])), 2);
  const after = readFileSync(paths.sealed, 'utf8');
  assert.equal(after, before.replaceAll(/[^\n]+/g, (line) => (line.includes(second.digest) ? line.replaceAll(/./g, ' ') : line))); // prettier-ignore
  assert.equal(blankOpenings(paths, new Set([second.digest])), 0);
  assert.deepEqual(digests(paths).length, 4);
});

test('what is left of an erasure that a power cut stopped is found, and finished', (t) => {
  const paths = place(t);
  const [one, two] = made(2, 9_000) as [Opening, Opening];
  storeOpenings(paths, [one, two]);
  // The first page of the value is blank, the next one came back.
  const bytes = readFileSync(paths.sealed);
  bytes.fill(' ', 75, 4_096);
  writeFileSync(paths.sealed, bytes);
  const reader = new Openings(paths);
  assert.equal(reader.find(one.digest), undefined);
  assert.ok(reader.has(one.digest));
  assert.equal(blankOpenings(paths, new Set([one.digest])), 1);
  assert.ok(!readFileSync(paths.sealed, 'utf8').slice(0, 9_000).includes('x'));
  assert.deepEqual(reader.find(two.digest), two);
});
