/** Tables that hold text from anybody: nothing moves the cursor, nothing runs in a spreadsheet. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bar, csv, cut, markdownTable, textLines, widthOf } from '../../src/cli/table';
import type { Table } from '../../src/cli/table';
import { labelled } from '../../src/cli/wrap';

const table = (rows: Table['rows']): Table => ({
  columns: [
    { title: 'agent', align: 'left' },
    { title: 'USD', align: 'right' },
  ],
  rows,
});

test('numbers stand right, text left', () => {
  assert.deepEqual(
    textLines(
      table([
        ['coder', '1.50'],
        ['x', '12.00'],
      ]),
      80,
    ),
    ['agent    USD', 'coder   1.50', 'x      12.00'],
  );
});

test('a line is no wider than the terminal: the text is cut, the numbers are whole', () => {
  const lines = textLines(table([['a-name-that-is-far-too-long-for-this', '123456.789']]), 24);
  assert.ok(lines.every((line) => widthOf(line) <= 24));
  assert.equal(lines[1], 'a-name-that…  123456.789');
});

test('on the narrowest terminal a date is shown to its day', () => {
  const lines = textLines(table([['2026-11-21', '123456.789123456']]), 20);
  assert.equal(lines[1], '2026-11-21  123456.789123456');
});

test('prose beside a label goes on below itself; without a screen it is one line', () => {
  assert.equal(
    labelled('checked', 'chain intact · streams intact', Infinity),
    'checked    chain intact · streams intact',
  );
  const lines = labelled('not proved', 'that nobody who can write the file rewrote it all', 40).split('\n');
  assert.deepEqual(lines, ['not proved that nobody who can write the', '           file rewrote it all']);
});

test('wide and combining characters take the columns that they take', () => {
  assert.deepEqual(['abc', '日本', 'e\u0301', '👩‍💻'].map(widthOf), [3, 4, 1, 4]);
  assert.equal(cut('日本語', 5), '日本…');
});

test('controls and bidirectional marks are shown, in every form that a terminal may get', () => {
  const hostile = table([['\u001b[31mred\u202e\u009b', '1']]);
  for (const text of [textLines(hostile, 80).join('\n'), markdownTable(hostile)]) {
    // eslint-disable-next-line no-control-regex -- what must not be there
    assert.doesNotMatch(text, /[\u001b\u202e\u009b]/);
  }
});

test('CSV: what a spreadsheet would run is defused, numbers are numbers, quotes are doubled', () => {
  const risky = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '\nx'];
  for (const text of risky) assert.equal(csv(table([[text, 1]]), { guard: true }), `"agent","USD"\r\n"'${text}",1\r\n`);
  assert.equal(csv(table([['=1', '-0.5']]), { guard: false }), '"agent","USD"\r\n"=1",-0.5\r\n');
  assert.equal(csv(table([['a "b", c', 'n/a']]), { guard: true }), '"agent","USD"\r\n"a ""b"", c","n/a"\r\n');
});

test('Markdown: a cell cannot leave its cell', () => {
  assert.match(markdownTable(table([['a|b<script>*x*', 1]])), /^\| a\\\|b&lt;script>\\\*x\\\* \| 1 \|$/m);
});

test('bars are to scale, and never longer than their room', () => {
  assert.deepEqual(
    [bar(0, 4), bar(0.5, 4), bar(1, 4), bar(2, 4), bar(-1, 4), bar(1 / 32, 4)],
    ['', '██', '████', '████', '', '▏'],
  );
});
