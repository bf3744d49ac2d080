/** The config is checked strictly: a misspelt cap would cap nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_CONFIG, parseConfig } from '../../src/core/config';
import { LedgerError } from '../../src/core/errors';

const refused = (text: string): LedgerError => {
  try {
    parseConfig(text, 'ledger.config.json');
  } catch (error) {
    assert.ok(error instanceof LedgerError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  return assert.fail(`taken: ${text}`);
};

test('the example of the contract, with comments', () => {
  const config = parseConfig(
    `// spend
    {"caps":[{"usd":"5.00","per":"day"}, // "all"
      {"usd":"2.00","per":"day","agent":"coder // not a comment"},{"usd":"0.50","per":"run"}],
     /* where we live */ "timezone":"Europe/Berlin","day_start":"04:30","thresholds":[1,0.5],"durability":"os"}`,
    'c',
  );
  assert.deepEqual(
    config.caps.map(({ nanos, per, scope }) => [nanos, per, [...scope]]),
    [
      [5_000_000_000n, 'day', []],
      [2_000_000_000n, 'day', [['agent', 'coder // not a comment']]],
      [500_000_000n, 'run', []],
    ],
  );
  assert.equal(config.dayStartMs, 4.5 * 3_600_000);
  assert.deepEqual(config.thresholds, [0.5, 1]);
  assert.equal(config.durability, 'os');
});

test('an empty config is the defaults', () => {
  assert.deepEqual(parseConfig('{}', 'c'), DEFAULT_CONFIG);
});

test('an unknown setting names the nearest known one', () => {
  assert.match(refused('{"timezon":"UTC"}').hint ?? '', /did you mean "timezone"/);
  assert.match(refused('{"caps":[{"usd":"1","per":"day","agnet":"x"}]}').hint ?? '', /did you mean "agent"/);
  refused('{"__proto__":{}}');
});

test('what means nothing is refused by name', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[]', /the config to be an object/],
    ['{"caps":{}}', /caps to be a list/],
    ['{"caps":[{"usd":5,"per":"day"}]}', /caps\[0\]\.usd to be a decimal in quotes/],
    ['{"caps":[{"usd":"-1","per":"day"}]}', /caps\[0\]\.usd/],
    ['{"caps":[{"usd":"1","per":"year"}]}', /caps\[0\]\.per to be one of run, hour/],
    ['{"caps":[{"usd":"1"}]}', /caps\[0\]\.per/],
    ['{"caps":[{"usd":"1","per":"day","agent":""}]}', /caps\[0\]\.agent/],
    ['{"day_start":"24:00"}', /day_start to be a time of day/],
    ['{"thresholds":[0]}', /thresholds/],
    ['{"durability":"full"}', /"disk" or "os"/],
    ['{"timezone":"UTC","timezone":"UTC"}', /found "timezone" twice/],
    ['{"timezone":"UTC"', /line 1/],
  ];
  for (const [text, message] of cases) assert.match(refused(text).message, message, text);
});

test('a comma behind the last of its kind is none too many; one behind nothing is', () => {
  const { caps } = parseConfig('{"caps":[{"usd":"1","per":"day",},], "timezone":"a,]", // c\n}', 'config');
  assert.equal(caps.length, 1);
  for (const text of ['{,}', '{"caps":[,]}', '{"caps":[],,}', '{"caps":[],} ,']) refused(text);
});

test('a fault in the text names its line, comments counted', () => {
  assert.equal(refused('// one\n{\n  /* two\n  three */ "caps": [,]\n}').place?.line, 4);
});
