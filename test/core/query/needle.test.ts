/** Passing over lines: a line that holds the value is never passed over, whatever its spelling. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { storedString } from '../../../src/core/json';
import { hasOneSpelling, Needle } from '../../../src/core/query/needle';
import { compilePattern } from '../../../src/core/query/pattern';
import { RowFilter } from '../../../src/core/query/rowFilter';
import { parseTerm } from '../../../src/core/query/term';
import { parseRfc3339 } from '../../../src/core/time';
import { spellings, typedTexts, valueTokens } from '../../support/queryValues';

const context = { parseTime: (text: string) => parseRfc3339(text) ?? 0, parsePattern: compilePattern };

/** Lines that are judged to match, with and without passing over any. */
function matched(
  terms: readonly string[],
  lines: readonly Buffer[],
): { readonly all: number[]; readonly seen: number[] } {
  const filter = new RowFilter(
    { terms: terms.map(parseTerm), where: undefined, sinceMs: -Infinity, untilMs: Infinity },
    context,
  );
  const block = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
  const needle = filter.needle();
  needle?.begin(block);
  const [all, seen]: [number[], number[]] = [[], []];
  let start = 0;
  for (const [i, line] of lines.entries()) {
    const end = start + line.length;
    if (filter.judge(block, start, end) === 'match') {
      all.push(i);
      const hit = needle === undefined ? start : needle.next(start);
      if (hit >= start && hit < end) seen.push(i);
    }
    start = end + 1;
  }
  return { all, seen };
}

test('no spelling of the value hides a line', () => {
  const cases = typedTexts.chain((text) =>
    fc.tuple(fc.constant(text), fc.array(fc.oneof(spellings(text), valueTokens), { maxLength: 6 })),
  );
  fc.assert(
    fc.property(cases, ([text, tokens]) => {
      const lines = tokens.map((token, i) => Buffer.from(`{"agent":${token},"i":${i}}`));
      const { all, seen } = matched([`agent=${text}`], lines);
      assert.deepEqual(seen, all);
    }),
    { numRuns: 2_000 },
  );
});

test('a value in any of several fields hides no line, and "!=" is the exact opposite', () => {
  const cases = typedTexts.chain((text) => {
    const token = fc.oneof(spellings(text), valueTokens);
    return fc.tuple(fc.constant(text), fc.array(fc.tuple(token, token), { maxLength: 6 }));
  });
  fc.assert(
    fc.property(cases, ([text, tokens]) => {
      const lines = tokens.map(([one, other]) => Buffer.from(`{"agent":${one},"payload":{"a":${other}}}`));
      const { all, seen } = matched([`agent|payload.a=${text}`], lines);
      assert.deepEqual(seen, all);
      const either = [...matched([`agent=${text}`], lines).all, ...matched([`payload.a=${text}`], lines).all];
      assert.deepEqual(
        all,
        [...new Set(either)].sort((a, b) => a - b),
      );
      const neither = lines.map((_, i) => i).filter((i) => !all.includes(i));
      assert.deepEqual(matched([`agent|payload.a!=${text}`], lines).all, neither);
    }),
    { numRuns: 1_000 },
  );
});

test('raw controls, marks and bytes that are no UTF-8 hide no line either', () => {
  const raw = ['abc\u007fdef', 'abc\u0085def', 'abc\u2028def', 'abc\u202edef', 'abc\u061cdef'];
  for (const text of raw) {
    const { all, seen } = matched([`agent=${text}`], [Buffer.from(`{"agent":"${text}"}`)]);
    assert.deepEqual([all, seen], [[0], [0]], storedString(text));
  }
  const bad = Buffer.concat([Buffer.from('{"agent":"abc'), Buffer.from([0xff]), Buffer.from('def"}')]);
  const { all, seen } = matched(['agent=abc\ufffddef'], [bad]);
  assert.deepEqual([all, seen], [[0], [0]]);
});

test('a moment in another spelling hides no line', () => {
  const line = Buffer.from('{"ts":"2026-04-25T20:09:24.000Z"}');
  for (const text of ['2026-04-25T20:09:24Z', '2026-04-25T22:09:24+02:00', '2026-04-25T20:09:24.000Z'])
    assert.deepEqual(matched([`ts=${text}`], [line]), { all: [0], seen: [0] }, text);
});

test('lines without the value are passed over: the search is worth something', () => {
  const needle = new Needle('wanted');
  const block = Buffer.from('{"a":"x"}\n{"a":"y"}\n{"a":"wanted"}\n{"a":"z"}\n');
  needle.begin(block);
  const hit = needle.next(0);
  assert.equal(block.toString('latin1', hit, hit + 6), 'wanted');
  assert.equal(needle.next(hit + 1), -1);
  assert(hasOneSpelling('wanted') && hasOneSpelling('Grüße "a/b"\n') && !hasOneSpelling('\u202e'));
});
