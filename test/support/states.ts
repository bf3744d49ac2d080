/**
 * States to start from: a healthy ledger made by the shipped program, and the torn tails that reliability.md names.
 */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendMarks, ledger, marks, receipts } from './sandbox';
import type { Sandbox } from './sandbox';

/** Appends `count` marked rows with the shipped program; returns their marks. Every one must land. */
export async function fill(box: Sandbox, count: number, prefix = 'old'): Promise<string[]> {
  const made = marks(prefix, count);
  const ended = await appendMarks(box, made);
  assert.equal(ended.status, 0, `a healthy append: ${ended.stderr}`);
  assert.deepEqual(
    receipts(ended.stdout).map((receipt) => receipt.status),
    made.map(() => 'landed'),
  );
  return made;
}

/** Rows enough for an index: a writer makes one when it is 5,000 rows behind, a sweep brings it up to the last. */
const INDEXED_ROWS = 5100;

/** A ledger with an index that is current; returns the marks of its rows. */
export async function fillIndexed(box: Sandbox): Promise<string[]> {
  const made = await fill(box, INDEXED_ROWS);
  const swept = await ledger(box, ['sweep']);
  assert.equal(swept.status, 0, swept.stderr);
  assert.ok(existsSync(join(box.dir, 'index.db')), 'the index is there');
  return made;
}

export type TornKind = 'short' | 'zero' | 'zeroline' | 'garbage';

export const TORN_KINDS: readonly TornKind[] = ['short', 'zero', 'zeroline', 'garbage'];

/** The torn bytes of a kind: what a cut write, a lost write, a lost page or a bad disk leaves. */
export function tornBytes(kind: TornKind): Buffer {
  const begun = Buffer.from(
    '{"seq":99,"ts":"2026-04-25T20:09:24.604Z","id":"01JSQ4F0VW5XQJ1Z8Y2N3M4P5R","agent":"torn-agent",',
  );
  switch (kind) {
    case 'short':
      return begun;
    case 'zero':
      return Buffer.concat([begun, Buffer.alloc(120)]);
    case 'zeroline':
      return Buffer.concat([begun, Buffer.alloc(120), Buffer.from('"}\n')]);
    case 'garbage':
      return Buffer.from(
        Uint8Array.from({ length: 200 }, (_, i) => (i * 151 + 128) & 0xff || 1).map((b) => (b === 10 ? 11 : b)),
      );
  }
}

/** Tears the tail of a ledger; returns the torn bytes. */
export function tear(box: Sandbox, kind: TornKind): Buffer {
  const bytes = tornBytes(kind);
  appendFileSync(box.ledger, bytes);
  return bytes;
}

/** Takes the newline off the last row. */
export function dropNewline(box: Sandbox): void {
  const bytes = readFileSync(box.ledger);
  writeFileSync(box.ledger, bytes.subarray(0, -1));
}
