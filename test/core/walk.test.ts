/** The fast way (chunks absorbed by their summaries) and the exact way (line by line) give the same walk. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { checkChunk } from '../../src/core/chunk';
import { emptyDigest } from '../../src/core/indexDigest';
import { readStoredLine } from '../../src/core/storedLine';
import { absorbChunk, endWalk, walkLine } from '../../src/core/walk';
import { beginSegment, newWalk } from '../../src/core/walkState';
import type { Walk } from '../../src/core/walkState';
import { projectLine } from '../../src/store/index/indexRows';
import { accumulate } from '../../src/core/indexDigest';
import { chainOf, sampleRows } from '../support/ledgers';
import type { Chain } from '../support/ledgers';

const EXACT = { strict: false };
const DIGEST_UP_TO = 30;

function started(): Walk {
  const walk = newWalk();
  beginSegment(walk);
  return walk;
}

function lineByLine(lines: readonly string[]): Walk {
  const walk = started();
  let offset = 0;
  for (const [i, text] of lines.entries()) {
    const bytes = Buffer.from(text);
    walkLine(walk, readStoredLine(bytes, EXACT), { segment: 's', line: i + 1, offset });
    offset += bytes.length + 1;
  }
  endWalk(walk);
  return walk;
}

/** In chunks of `size` lines, as the service does it. */
function byChunks(lines: readonly string[], size: number): { readonly walk: Walk; readonly absorbed: number } {
  const walk = started();
  let absorbed = 0;
  let offset = 0;
  for (let i = 0; i < lines.length; i += size) {
    const part = lines.slice(i, i + size);
    const bytes = Buffer.from(part.map((line) => `${line}\n`).join(''));
    const summary = checkChunk(bytes, 0, bytes.length, { ...EXACT, digest: { upToSeq: DIGEST_UP_TO, offset } });
    const place = { segment: 's', line: i + 1, offset };
    if (summary !== undefined && absorbChunk(walk, summary, place)) absorbed++;
    else {
      let at = offset;
      for (const [k, text] of part.entries()) {
        const line = Buffer.from(text);
        walkLine(walk, readStoredLine(line, EXACT), { segment: 's', line: i + k + 1, offset: at });
        at += line.length + 1;
      }
    }
    offset += bytes.length;
  }
  endWalk(walk);
  return { walk, absorbed };
}

/** All that `longChain` has. */
const STREAM_IDS = ['run-0', 'run-1', 'Grüße "x"', 'run-new', 'decision-1'];

function essence(walk: Walk): unknown {
  const { findings, gaps, heals, main, rows, lines, firstSeq, lastId, lastTs, content, lateRows, ledgerId } = walk;
  const streams = [walk.runs, walk.decisions].map((all) => [
    STREAM_IDS.map((id) => all.stateOf(id)),
    all.size,
    all.open,
  ]);
  const kept = [findings.kept, findings.total];
  return { kept, gaps, heals, main, rows, lines, firstSeq, lastId, lastTs, content, lateRows, ledgerId, streams };
}

function longChain(): Chain {
  const chain = chainOf();
  for (const row of sampleRows(25)) chain.add(row);
  chain.addOwn('audit.heal-truncation', { kind: 'short', offset: 1, length: 1, sha256: 'x', original: {} });
  for (const row of sampleRows(8)) chain.add({ ...row, run_id: 'Grüße "x"' });
  chain.add({ action: 'run_completed', run_id: 'run-1' });
  chain.addOwn('audit.rows-lost', { from_seq: 90, to_seq: 91, head: 'x' });
  for (const row of sampleRows(8)) chain.add({ ...row, run_id: 'run-new' });
  return chain;
}

test('a healthy ledger is absorbed in chunks of any size, and the walk is the same', () => {
  const { lines } = longChain();
  const exact = essence(lineByLine(lines));
  for (let size = 1; size <= lines.length; size++) {
    const { walk, absorbed } = byChunks(lines, size);
    assert.equal(absorbed, Math.ceil(lines.length / size), `size ${size}`);
    assert.deepEqual(essence(walk), exact, `size ${size}`);
  }
});

test('property: a damaged ledger gives the same findings in chunks of any size', () => {
  const { lines } = longChain();
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('flip'), line: fc.nat(lines.length - 1), at: fc.nat(2000), byte: fc.nat(255) }),
    fc.record({ kind: fc.constantFrom('drop', 'double', 'swap'), line: fc.nat(lines.length - 1) }),
  );
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 20 }), (all, size) => {
      let changed = [...lines];
      for (const one of all) changed = damaged(changed, one);
      assert.deepEqual(essence(byChunks(changed, size).walk), essence(lineByLine(changed)));
    }),
    { numRuns: 300 },
  );
});

function damaged(
  lines: readonly string[],
  one: { readonly kind: string; readonly line: number; readonly at?: number; readonly byte?: number },
): string[] {
  const line = lines[one.line];
  if (line === undefined) return [...lines];
  if (one.kind === 'drop') return lines.toSpliced(one.line, 1);
  if (one.kind === 'double') return lines.toSpliced(one.line, 0, line);
  if (one.kind === 'swap') return lines.toSpliced(one.line, 2, lines[one.line + 1] ?? '', line);
  const bytes = Buffer.from(line);
  bytes[(one.at ?? 0) % bytes.length] = one.byte === 0x0a ? 0x0b : (one.byte ?? 0);
  return lines.toSpliced(one.line, 1, bytes.toString('latin1'));
}

test("the index's fingerprint from bytes is the one from parsed rows", () => {
  const { lines } = longChain();
  const digest = emptyDigest();
  let offset = 0;
  for (const text of lines) {
    const block = Buffer.from(text);
    const row = projectLine({ block, start: 0, end: block.length, offset, bytes: block.length }, 0);
    if (row !== undefined && row.seq <= DIGEST_UP_TO) accumulate(digest, row);
    offset += block.length + 1;
  }
  assert.equal(digest.rows, DIGEST_UP_TO);
  assert.deepEqual(byChunks(lines, 7).walk.digest, digest);
});
