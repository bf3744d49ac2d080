/** Torn ends as hostile as they come: members that JSON can spell and no row can hold, cut anywhere, noise around them. */
import * as fc from 'fast-check';

const NAMES = ['ts', 'run_id', 'decision_id', 'agent', 'action', 'id', 'seq', 'cost_usd', '__proto__', '\\ud800', 'x'];

const VALUES = [
  '1e999',
  '-1e999',
  '1e-999',
  '-0',
  '00',
  '9007199254740993',
  '1'.repeat(400),
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000\u007f\u202e"',
  '"\ufffd"',
  '""',
  `"${'x'.repeat(300)}"`,
  `"${'é'.repeat(200)}"`,
  `"${'\\u0000'.repeat(300)}"`,
  'null',
  '"__proto__"',
  '{"a":1e999}',
  `${'['.repeat(100)}${']'.repeat(100)}`,
];

const member = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)).map(([k, v]) => `"${k}":${v}`);
const noise = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);

/** Bytes that are no complete JSON object, and hold no line feed. */
export const tornEnds = fc
  .tuple(fc.array(member, { minLength: 1, maxLength: 8 }), fc.nat({ max: 30 }), noise)
  .map(([members, cut, end]) => {
    const whole = Buffer.from(`{${members.join(',')},"agent":"a"`);
    return Buffer.concat([whole.subarray(0, whole.length - cut), end]);
  })
  .filter((bytes) => bytes.length > 0 && !bytes.includes(0x0a) && bytes.at(-1) !== 0x7d);
