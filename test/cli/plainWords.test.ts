/** The short way for the words of a row: wherever it answers, it answers as the parser of command lines does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Command } from '../../src/cli/commander';
import { flagsOf } from '../../src/cli/options';
import { plainWords } from '../../src/cli/plainWords';
import { addRowFlags, MEMBER_FLAGS } from '../../src/cli/rowFlags';

function parsed(words: readonly string[]): { readonly row: string | undefined; readonly flags: object } | undefined {
  const program = new Command('ledger').exitOverride().configureOutput({ writeErr: () => undefined });
  let seen: { row: string | undefined; flags: object } | undefined;
  const command = program.command('append [row]').exitOverride();
  addRowFlags(command).action((row: string | undefined) => {
    seen = { row, flags: flagsOf(command) };
  });
  try {
    program.parse(['append', ...words], { from: 'user' });
    return seen;
  } catch {
    return undefined;
  }
}

test('what is plain is what the parser makes of it', () => {
  const flag = fc.constantFrom('--agent', '--action', '--run-id', '--cost-usd', '--payload', '--idempotency-key');
  const odd = fc.constantFrom(
    '--set',
    '--json',
    '-q',
    '--',
    '-',
    '--agent=a',
    '--nonsense',
    '--help',
    '--constructor',
    'a.b',
  );
  const value = fc.constantFrom('a', '', ' ', '{"action":"x"}', '[1]', '@file', '0.5', '-1', '--action', 'toString');
  const pairs = fc.array(fc.tuple(flag, value), { maxLength: 5 }).map((all) => all.flat());
  const any = fc.array(fc.oneof(flag, flag, value, value, odd), { maxLength: 6 });
  let plain = 0;
  fc.assert(
    fc.property(fc.oneof(pairs, any), (words) => {
      const short = plainWords(words);
      if (short === undefined) return;
      plain++;
      assert.deepEqual({ ...short, flags: { ...short.flags } }, parsed(words));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(plain > 300, `only ${plain} were plain`);
});

test('every flag of a member is known, under the name that the parser gives it', () => {
  for (const [flag, key] of MEMBER_FLAGS) {
    assert.deepEqual(plainWords([flag, 'v'])?.flags, { [key]: 'v' });
    assert.deepEqual(parsed([flag, 'v'])?.flags, { [key]: 'v' });
  }
});

test('what the parser must judge is left to it', () => {
  const left = [['--agent'], ['--agent', 'a', '--agent', 'b'], ['--agent', '--action'], ['--agent=a'], ['-'], ['--agent', 'a', 'x'], ['--set', 'a=b'], ['{}', '{}']]; // prettier-ignore
  const asked = left.map((words) => plainWords(words));
  assert.deepEqual(asked, asked.map(() => undefined)); // prettier-ignore
});
