/** Chunks cut a file without a gap and without a line twice, wherever the cuts fall. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { chunkBuffer, chunkCount, readChunk } from '../../../src/store/scan/chunks';
import { withFile } from '../../../src/store/files';

function linesInChunks(path: string, text: string, chunkBytes: number): string {
  return withFile(path, 'read', (fd) => {
    const region = { from: 0, to: Buffer.byteLength(text), chunkBytes };
    const buffer = chunkBuffer(region);
    let all = '';
    for (let k = 0; k < chunkCount(region); k++) {
      const chunk = readChunk(fd, region, k, buffer);
      assert.ok(chunk !== undefined);
      if (chunk.start === chunk.end) continue;
      assert.equal(chunk.offset, all.length);
      all += chunk.bytes.toString('latin1', chunk.start, chunk.end);
    }
    return all;
  });
}

test('property: chunks of any size hold every line once, in order', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-chunks-'));
  const path = join(dir, 'file');
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), {
    minLength: 1,
    maxLength: 30,
  });
  try {
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 60 }), (all, chunkBytes) => {
        const text = all.map((line) => `${line}\n`).join('');
        writeFileSync(path, text);
        assert.equal(linesInChunks(path, text, chunkBytes), text);
      }),
      { numRuns: 500 },
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a line longer than a row may be is left to the exact reading', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-chunks-'));
  const path = join(dir, 'file');
  try {
    const text = `a\n${'x'.repeat(3 << 20)}\nb\n`;
    writeFileSync(path, text);
    withFile(path, 'read', (fd) => {
      const region = { from: 0, to: text.length, chunkBytes: 1 << 20 };
      const buffer = chunkBuffer(region);
      const read = Array.from({ length: chunkCount(region) }, (_, k) => readChunk(fd, region, k, buffer));
      assert.equal(read[0], undefined);
      assert.deepEqual(
        read.slice(1, 3).map((chunk) => chunk && chunk.end - chunk.start),
        [0, 0],
      );
      assert.equal(read[3] && read[3].end - read[3].start, 2);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
