/** Lines of a stream: however it is cut into chunks, the lines are the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LineSplitter } from '../../src/core/inputLines';

function split(bytes: Buffer, chunkBytes: number, maxBytes = 100): string[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    lines.push(...splitter.push(bytes.subarray(at, at + chunkBytes)));
  lines.push(...splitter.end());
  return lines.map((line) => (line.kind === 'text' ? line.text : line.error.code));
}

const everyCut = (bytes: Buffer, want: readonly string[], maxBytes?: number): void => {
  for (let chunk = 1; chunk <= bytes.length; chunk++) assert.deepEqual(split(bytes, chunk, maxBytes), want, `${chunk}`);
};

test('newlines end lines; carriage returns, blank lines and a missing last newline are kept as they are', () => {
  everyCut(Buffer.from('a\r\n\n b\rc\n\n'), ['a\r', '', ' b\rc', '']);
  everyCut(Buffer.from('a\nlast'), ['a', 'last']);
  everyCut(Buffer.from('\n'), ['']);
  assert.deepEqual(split(Buffer.alloc(0), 1), []);
});

test('letters that are cut by a chunk are whole in their line; a BOM and NUL are not dropped', () => {
  everyCut(Buffer.from('\ufeff{}\né😀\u2028x\n\0\n'), ['\ufeff{}', 'é😀\u2028x', '\0']);
});

test('invalid UTF-8 is a fault of its line alone', () => {
  const bytes = Buffer.concat([Buffer.from('ok\n"'), Buffer.from([0xff]), Buffer.from('"\nok\n\xc3', 'latin1')]);
  everyCut(bytes, ['ok', 'INPUT_UTF8', 'ok', 'INPUT_UTF8']);
  // Surrogates in UTF-8 (CESU-8) and overlong forms are not UTF-8.
  everyCut(Buffer.from([0xed, 0xa0, 0x80, 0x0a, 0xc0, 0x80, 0x0a]), ['INPUT_UTF8', 'INPUT_UTF8']);
});

test('an overlong line is a fault of its line alone, and is not kept', () => {
  const bytes = Buffer.from(`ok\n${'x'.repeat(300)}\nok\n${'y'.repeat(300)}`);
  for (const chunk of [1, 7, 90])
    assert.deepEqual(split(bytes, chunk, 100), ['ok', 'ROW_TOO_LONG', 'ok', 'ROW_TOO_LONG']);
  everyCut(Buffer.from(`${'z'.repeat(10)}\n`), ['z'.repeat(10)], 10);
});

test('a line of invalid UTF-8 comes with its bytes, to be kept elsewhere', () => {
  const [line] = new LineSplitter(100).push(Buffer.from([0xff, 0x41, 0x0a]));
  assert.ok(line?.kind === 'fault' && line.bytes?.equals(Buffer.from([0xff, 0x41])));
});
