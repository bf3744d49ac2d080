/** Few rows are checked in another way than many. What the short way says of a chunk, the scanner says too, to the byte. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { ChunkOptions } from '../../src/core/chunk';
import { checkChunk } from '../../src/core/chunk';
import { sha256Hex } from '../../src/core/digest';
import { scanChunk } from '../../src/core/scannedChunk';
import { checkShortChunk } from '../../src/core/shortChunk';
import { chainOf } from '../support/ledgers';

const PLAIN: ChunkOptions = { strict: false };
const ALL: ChunkOptions = { strict: true, toSign: ['decision.approved'], hasTree: true, timesOf: [1, 3, 5, 99] };

/** Rows of every kind that the short way takes. */
function chainLines(): string[] {
  const chain = chainOf();
  chain.add({ run_id: 'Grüße "r"', action: 'run_started', agent: 'a' });
  chain.add({
    run_id: 'Grüße "r"',
    decision_id: 'd',
    action: 'decision.created',
    payload: { b: [1, { c: 2.5 }], a: 'é' },
  });
  chain.addOwn('audit.checkpoint', { size: 2, root: 'x' });
  chain.add({ decision_id: 'd', action: 'decision.approved', actor: 'eve', cost_usd: 0.5, mine: 7 });
  chain.add({ run_id: 'Grüße "r"', action: 'run_completed' });
  chain.add({ decision_id: 'd', action: 'decision.executed' });
  chain.add({ run_id: 'other', action: 'a.b', reason: { sealed: '0'.repeat(64) } });
  return chain.lines;
}

const bytesOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

/** With the hashes that changed bytes give, from there on. */
function chained(lines: readonly string[]): string[] {
  const known = new Map<string, string>();
  return lines.map((line) => {
    const linked = line.replace(/[0-9a-f]{64}/g, (hash) => known.get(hash) ?? hash);
    const body = linked.slice(0, -75);
    const hash = sha256Hex(`${body}}`);
    known.set(line.slice(-66, -2), hash);
    return `${body},"hash":"${hash}"}`;
  });
}

function bothSay(lines: readonly string[], options: ChunkOptions, name: string): boolean {
  const bytes = bytesOf(lines);
  const short = checkShortChunk(bytes, 0, bytes.length, options);
  if (short !== undefined) assert.deepEqual(short, scanChunk(bytes, 0, bytes.length, options), name);
  return short !== undefined;
}

test('rows as they are written are taken, and summed up as the scanner does it', () => {
  const lines = chainLines().slice(0, -1);
  assert.deepEqual(chained(lines), lines);
  for (const options of [PLAIN, ALL]) {
    for (let from = 0; from < lines.length; from++) {
      for (let to = from + 1; to <= lines.length; to++)
        assert.ok(bothSay(lines.slice(from, to), options, `${from}-${to}`), `rows ${from + 1} to ${to}`);
    }
  }
});

test('it begins and ends where it is told', () => {
  const lines = chainLines();
  const bytes = bytesOf(lines);
  const [from, to] = [bytesOf(lines.slice(0, 2)).length, bytesOf(lines.slice(0, 6)).length];
  const short = checkShortChunk(bytes, from, to, ALL);
  assert.ok(short !== undefined);
  assert.deepEqual(short, scanChunk(bytes, from, to, ALL));
  assert.equal(short.firstSeq, 3);
  assert.equal(short.lines, 4);
});

test('what is asked for and only the scanner knows is left to it, and a row that is unusual', () => {
  const lines = chainLines();
  const bytes = bytesOf(lines);
  const digest = { upToSeq: 100, offset: 0 };
  assert.equal(checkShortChunk(bytes, 0, bytes.length, { ...PLAIN, digest }), undefined);
  assert.equal(checkChunk(bytes, 0, bytes.length, { ...PLAIN, digest })?.digest?.rows, lines.length);
  assert.ok(!bothSay(lines, PLAIN, 'a sealed reason'));
  assert.equal(checkChunk(bytes, 0, bytes.length, PLAIN)?.sealed, true);
});

test('bytes that are no text, and a line that is not ended as it should be, are never regular', () => {
  const lines = chainLines().slice(0, -1);
  const bytes = bytesOf(lines);
  const broken = Buffer.from(bytes);
  broken[broken.indexOf('é') + 1] = 0x20;
  assert.equal(checkChunk(broken, 0, broken.length, PLAIN), undefined);
  // The sign that stands for what cannot be read is a letter like any other, where it is one.
  const [first = '', ...more] = lines;
  const replaced = chained([first, ...more.map((line) => line.replace('eve', '\ufffd'))]);
  assert.ok(bothSay(replaced, PLAIN, 'U+FFFD'));
  const unread = Buffer.from(bytesOf(replaced).toString('latin1').replace('\u00ef\u00bf\u00bd', '\u00ff'), 'latin1');
  assert.equal(checkChunk(unread, 0, unread.length, PLAIN), undefined);
  for (const end of ['\r\n', '\n\n', ' \n']) {
    const other = Buffer.from(lines.join('\n') + end);
    assert.equal(checkChunk(other, 0, other.length, PLAIN), undefined, JSON.stringify(end));
  }
});

const MEMBERS = [
  '"run_seq":1',
  '"run_seq":4294967295',
  '"run_seq":0',
  '"decision_id":"e"',
  '"audit":1',
  '"spill_id":"s"',
];
const ACTIONS = [
  'audit',
  'audit.tombstone',
  'audit.x',
  'audit.x\\n',
  'audit.',
  'a',
  'run_completed',
  'decision.expired',
  'A b',
];
const TEXTS = ['', '1', '0', '"', '\\', ' ', 'e', '.', '{', '[', '\u007f', 'é', '\u202e', ',"x":1', '"x":{},'];

test('lines changed anywhere, moved, left out or doubled: it takes nothing that the scanner would not', () => {
  const lines = chainLines().slice(0, -1);
  const row = fc.nat(lines.length - 1);
  const changed = (at: number, edit: (line: string) => string): string[] =>
    lines.map((line, i) => (i === at ? edit(line) : line));
  const edits = fc.oneof(
    fc.tuple(row, fc.nat(900), fc.nat(2), fc.constantFrom(...TEXTS)).map(([at, place, length, text]) => changed(at, (line) => line.slice(0, place % (line.length - 76)) + text + line.slice((place % (line.length - 76)) + length))), // prettier-ignore
    fc.tuple(row, fc.constantFrom(...ACTIONS)).map(([at, action]) => changed(at, (line) => line.replace(/"action":"[^"]*"/, `"action":"${action}"`))), // prettier-ignore
    fc.tuple(row, fc.constantFrom(...MEMBERS)).map(([at, member]) => changed(at, (line) => line.replace(',"nonce"', `,${member},"nonce"`))), // prettier-ignore
    fc.tuple(row, fc.constantFrom('run_seq', 'decision_seq', 'seq'), fc.nat(5)).map(([at, name, value]) => changed(at, (line) => line.replace(new RegExp(`"${name}":[0-9]+`), `"${name}":${value}`))), // prettier-ignore
    fc.tuple(row, row).map(([one, other]) => lines.with(one, lines[other] ?? '').with(other, lines[one] ?? '')),
    fc.tuple(row, row).map(([one, other]) => lines.toSpliced(one, 1, lines[other] ?? '')),
    fc.tuple(row, fc.nat(2)).map(([at, count]) => lines.toSpliced(at, count)),
  );
  let taken = 0;
  fc.assert(
    fc.property(edits, fc.boolean(), fc.constantFrom(PLAIN, ALL), (edited, isChained, options) => {
      if (edited.length > 0 && bothSay(isChained ? chained(edited) : edited, options, edited.join('\n'))) taken++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(taken > 100, `${taken} of 4000 were still regular`);
});
