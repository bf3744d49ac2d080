/** Nothing in foreign text can move the cursor, hide text or turn it around. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { printable, printableLines } from '../../src/core/printable';

test('controls, C1 and bidirectional marks become visible; letters stay', () => {
  assert.equal(
    printable('a\u001b[31m\u009b2J\u007f\u202e\u2066\u200f\u061c\n\t\r\0é😀'),
    'a\\u001b[31m\\u009b2J\\u007f\\u202e\\u2066\\u200f\\u061c\\u000a\\u0009\\u000d\\u0000é😀',
  );
  assert.equal(printableLines('a\nb\r\u001b'), 'a\nb\\u000d\\u001b');
});

test('no unit that Unicode calls a control or a bidirectional control comes through', () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const letter = String.fromCharCode(unit);
    const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(letter);
    assert.equal(printable(letter) !== letter, unsafe, unit.toString(16));
  }
});
