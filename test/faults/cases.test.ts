/** No case number is forgotten: each has its tests, and each test of a case stands in the file that the table names. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { FAULT_CASES } from './cases';

const COUNT = 50;

/** The case numbers in the test titles of a file: `case 7: …`, `case 36, 37: …`. */
function titledCases(file: string): Set<number> {
  const source = readFileSync(join(__dirname, file), 'utf8');
  const titles = source.matchAll(/['"`]case ([\d, ]+):/g);
  return new Set([...titles].flatMap((match) => (match[1] ?? '').split(',').map(Number)));
}

test('every fault case from 1 to 50 has a test of its number, in the file that the table names', () => {
  assert.deepEqual(
    FAULT_CASES.map(({ number }) => number),
    Array.from({ length: COUNT }, (_, i) => i + 1),
  );
  const missing = FAULT_CASES.flatMap(({ number, files }) =>
    files.filter((file) => !titledCases(file).has(number)).map((file) => `case ${number} in ${file}`),
  );
  assert.deepEqual(missing, []);
});

test('no test stands under a number that the table does not know or in another file', () => {
  const files = readdirSync(__dirname).filter((name) => name.endsWith('.test.ts') && name !== 'cases.test.ts');
  const strange = files.flatMap((file) =>
    [...titledCases(file)]
      .filter((number) => FAULT_CASES[number - 1]?.files.includes(file) !== true)
      .map((number) => `case ${number} in ${file}`),
  );
  assert.deepEqual(strange, []);
});
