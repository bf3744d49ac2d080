/** What a row may hold, spelled in every way that JSON allows: for tests of what looks at values and at bytes. */
import * as fc from 'fast-check';

/** Texts that are easily taken for something else. */
const ODD_TEXTS = [
  '',
  '0',
  '-0',
  '5',
  '5.0',
  '1e3',
  '007',
  ' 5',
  'null',
  'true',
  '[]',
  '{"a":1}',
  '[1,2]',
  '__proto__',
  '2026-04-25T20:09:24.604Z',
  '2026-04-25T22:09:24.604+02:00',
  'a\u007fb\u2028c\u202ed',
  'a"b\\c/d\n\t\u0001',
  'a\ufffdb',
  'Grüße 🧾',
];

export const texts = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text.isWellFormed()),
);

/** Texts that stand behind an operator as they are: "==" and "=~" are taken for slips. */
export const typedTexts = texts.filter((text) => !/^[=~]/.test(text));

export const numberTokens = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value)),
  fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).map((nanos) => String(nanos / 1e9)),
  fc.constantFrom(
    '0',
    '-0',
    '0.0',
    '1e999',
    '-1e999',
    '1e-999',
    '5E+0',
    '9007199254740993',
    '123456789012345.68',
    '1e23',
  ),
  fc
    .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.option(fc.stringMatching(/^[0-9]{1,20}$/)))
    .map(([minus, whole, fraction]) => `${minus ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`),
);

/** A string as JSON spells it, each character in one of the ways that there are. */
export function spellings(text: string): fc.Arbitrary<string> {
  const units = [...text];
  return fc.array(fc.nat({ max: 5 }), { minLength: units.length, maxLength: units.length }).map((ways) => {
    const spelled = units.map((unit, i) => spelledUnit(unit, ways[i] ?? 0));
    return `"${spelled.join('')}"`;
  });
}

function spelledUnit(unit: string, way: number): string {
  const escapes = unit.split('').map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (way === 4) return escapes.join('');
  if (way === 5) return escapes.map((escape) => `\\u${escape.slice(2).toUpperCase()}`).join('');
  if (unit === '/' && way === 3) return '\\/';
  return JSON.stringify(unit).slice(1, -1);
}

/** A JSON value as somebody may spell it. */
export const valueTokens: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    texts.chain(spellings),
    numberTokens,
    fc.constantFrom('null', 'true', 'false', '[]', '{}', '{"__proto__":1}', '{"2":1,"1":2}'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
    fc
      .array(fc.tuple(texts.chain(spellings), tie('value')), { maxLength: 3 })
      .map((members) => `{${members.map(([name, value]) => `${name} : ${value}`).join(',')}}`),
  ),
})).value;

const NAMES = ['ts', 'occurred_at', 'agent', 'run_id', 'cost_usd', 'payload', 'x', 'constructor', '__proto__'];

/** A line that is a JSON object: members of these names and others, in any order, also twice, also with spaces inside. */
export const objectLines = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...NAMES).map((name) => JSON.stringify(name)) },
        fc.constantFrom(...NAMES).chain(spellings),
        texts.chain(spellings),
      ),
      valueTokens,
    ),
    { maxLength: 8 },
  )
  .map((members) => `{${members.map(([name, value]) => `${name}:${value}`).join(', ')}}`);
