/** Fields of lines: the same values, whether a line is parsed (the first ones) or read off its bytes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SlotReader } from '../../../src/core/lineSlots';
import { FieldReader, parseField } from '../../../src/core/query/field';
import { numberTokens, objectLines, spellings, texts } from '../../support/queryValues';

const NAMES = ['ts', 'occurred_at', 'agent', 'cost_usd', 'payload', 'x', 'constructor', '__proto__'];
const PATHS = [[], ['a'], ['0'], ['__proto__'], ['length']];
const PARSED_LINES = 400;

/** Readers of the same fields: one that parses, one that reads bytes from its first line on. */
function readers(): { readonly parsed: FieldReader; readonly bytes: FieldReader; readonly count: number } {
  const [parsed, bytes] = [new FieldReader(), new FieldReader()];
  for (const reader of [parsed, bytes])
    for (const member of NAMES) for (const path of PATHS) reader.add({ member, path });
  const line = Buffer.from('{}');
  for (let i = 0; i < PARSED_LINES; i++) bytes.read(line, 0, line.length);
  return { parsed, bytes, count: NAMES.length * PATHS.length };
}

function expectSame(text: string | Buffer): void {
  const { parsed, bytes, count } = same;
  const line = Buffer.from(text);
  const parser = left-- > 0 ? parsed : (same = { ...same, parsed: readers().parsed }).parsed;
  if (left < 0) left = PARSED_LINES - 1;
  const padded = Buffer.concat([Buffer.from('#\n'), line, Buffer.from('\n#')]);
  const isRow = bytes.read(padded, 2, 2 + line.length);
  assert.equal(parser.read(padded, 2, 2 + line.length), isRow, 'both take it for a row, or none does');
  if (!isRow) return;
  // As text: a member whose name is escaped is spelled again, which no -0 and no number beyond a double's range survives.
  for (let i = 0; i < count; i++)
    assert.equal(JSON.stringify(bytes.value(i)), JSON.stringify(parser.value(i)), `field ${i} of ${line.toString()}`);
  for (let i = 0; i < 2; i++) {
    const index = i * PATHS.length;
    assert.equal(bytes.moment(index), parser.moment(index), `moment ${i} of ${line.toString()}`);
  }
}

let same = readers();
let left = PARSED_LINES;

test('a row has the same values and moments parsed and read off its bytes', () => {
  fc.assert(fc.property(objectLines, expectSame), { numRuns: 2_000 });
});

test('what is no row is none for both, what hides it from one hides it from the other', () => {
  const deep = (levels: number): string => `{"x":${'['.repeat(levels)}1${']'.repeat(levels)}}`;
  const lines = [
    '',
    '{',
    '{}',
    '[]',
    '5',
    '"x"',
    '{"x":1}\r',
    ' {"x":1}',
    '{"x":1} ',
    '{"x":1,}',
    '{"x":01}',
    '{"x":1}{}',
    '{"x":"\u0001"}',
    '{"x":nul}',
    '\ufeff{"x":1}',
    deep(63),
    deep(64),
    deep(65),
    deep(1_000),
    deep(20_000),
    `{"x":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`,
    `{"x":1,"\\u0078":${'['.repeat(70)}${']'.repeat(70)}}`,
    '{"x":1,"\\u0078":2}',
  ];
  for (const line of lines) expectSame(line);
  fc.assert(
    fc.property(objectLines, fc.nat(), fc.nat({ max: 255 }), (line, at, byte) => {
      const bytes = Buffer.from(line);
      bytes[at % bytes.length] = byte === 0x0a ? 0x20 : byte;
      expectSame(bytes);
    }),
    { numRuns: 2_000 },
  );
});

test('bytes that are no UTF-8 are read alike', () => {
  const bytes = fc
    .uint8Array({ maxLength: 12 })
    .filter((all) => all.every((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c));
  fc.assert(
    fc.property(bytes, (all) => expectSame(Buffer.concat([Buffer.from('{"agent":"'), all, Buffer.from('","x":"é"}')]))),
  );
});

test('a moment is found however its string is spelled', () => {
  const times = fc.constantFrom(
    '2026-04-25T20:09:24.604Z',
    '2026-04-25T22:09:24+02:00',
    '2026-02-30T00:00:00Z',
    'today',
  );
  fc.assert(fc.property(times.chain(spellings), (token) => expectSame(`{"ts":${token},"occurred_at":${token}}`)));
});

test('a number is the one that JSON.parse finds, in every spelling', () => {
  const reader = new SlotReader(['x']);
  fc.assert(
    fc.property(numberTokens, (token) => {
      const line = Buffer.from(`{"x":${token}}`);
      assert(reader.find(line, 0, line.length), token);
      assert.ok(Object.is(reader.number(0), JSON.parse(token)), `${token}: ${reader.number(0)}`);
    }),
    { numRuns: 5_000 },
  );
});

test('the name of a field is letters, digits, _ and -, with dots between', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const wanted = /^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$/.test(text);
      if (wanted) assert.equal(parseField(text).member, text.split('.')[0]);
      else assert.throws(() => parseField(text), { code: 'USAGE' });
    }),
  );
});
