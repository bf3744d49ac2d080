/** What a validator is given is what `JSON.parse` gives of the row once it is stored, however its caller spelled it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { asStored } from '../../src/core/asStored';
import { parseJson } from '../../src/core/parseJson';
import type { JsonObject } from '../../src/core/json';
import { checkRow } from '../../src/core/row';

function assertSame(text: string): void {
  const given = parseJson(text) as JsonObject;
  const { members } = checkRow(given, { nowMs: undefined });
  const parsed: unknown = JSON.parse(`{${members}}`);
  assert.deepStrictEqual(asStored(given, members), parsed, text);
  assert.deepStrictEqual(asStored(undefined, members), parsed, text);
}

test('times, costs and names as callers spell them', () => {
  for (const more of [
    '"ts":"2026-04-25T20:09:24Z"',
    '"ts":"2026-04-25T20:09:24.604Z"',
    '"occurred_at":"2026-04-25T22:09:24.604+02:00"',
    '"occurred_at":"2026-04-25T20:09:24.604Z","as_of":"2026-04-25T20:09:24Z"',
    '"as_of":"2026-04-25T20:09:24.604Z"',
    '"cost_usd":"0.50"',
    '"cost_usd":1e-9',
    '"cost_usd":0.5',
    '"duration_ms":-0',
    '"reason":{"sealed":"00000000000000000000000000000000000000000000000000000000000000aa"}',
    '"payload":{"__proto__":{"a":[{"__proto__":1}]},"constructor":null,"7":[],"":{}}',
    '"mine":[1,{"b":[true,null]}],"__proto__":2',
  ])
    assertSame(`{"action":"a.b",${more}}`);
});

test('property: any payload and further member', () => {
  const value = fc.jsonValue({ maxDepth: 5 }).filter((one) => !JSON.stringify(one).includes('\\ud'));
  const object = fc.dictionary(fc.string(), value);
  fc.assert(
    fc.property(object, value, (payload, mine) =>
      assertSame(JSON.stringify({ action: 'a.b', agent: 'x', mine, payload })),
    ),
    { numRuns: 500 },
  );
});
