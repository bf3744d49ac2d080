/**
 * Whatever is done to the bytes of a ledger, verify names the first bad row: every single byte, every row deleted,
 * doubled, swapped, inserted. A checker that misses one of these is worth nothing.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { VerifyResult } from '../../src/core/verdict';
import { verifyLedger } from '../../src/services/verify';
import { chainOf, makeLedger, sampleRows, testPaths } from '../support/ledgers';

const NEWLINE = 0x0a;

interface Case {
  readonly bytes: Buffer;
  readonly lines: readonly string[];
  readonly verify: (bytes: Uint8Array) => Promise<VerifyResult>;
  readonly check: (lines: readonly string[]) => Promise<VerifyResult>;
}

async function withLedger(rows: number, use: (ledger: Case) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-tamper-'));
  try {
    const lines = makeLedger(dir, sampleRows(rows - 1));
    const paths = testPaths(dir);
    const verify = async (bytes: Uint8Array): Promise<VerifyResult> => {
      writeFileSync(paths.ledger, bytes);
      return verifyLedger({ paths, tailWaitMs: 0 });
    };
    const textOf = (all: readonly string[]): Buffer => Buffer.from(all.map((line) => `${line}\n`).join(''));
    await use({ bytes: textOf(lines), lines, verify, check: (all) => verify(textOf(all)) });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The line, from 1, that holds the byte at `offset`; its newline belongs to it. */
function lineOf(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = 0; at < offset; at++) if (bytes[at] === NEWLINE) line++;
  return line;
}

async function assertNamed(ledger: Case, offset: number, byte: number): Promise<void> {
  const changed = Buffer.from(ledger.bytes);
  changed[offset] = byte;
  const line = lineOf(ledger.bytes, offset);
  const result = await ledger.verify(changed);
  const [first] = result.findings;
  const what = `byte ${offset} of line ${line} set to ${byte}: ${JSON.stringify(result.findings)}`;
  assert.equal(result.verdict, 'broken', what);
  assert.deepEqual([first?.seq, first?.place?.line], [line, line], what);
  assert.equal(result.findings_total, 1, what);
}

test('a flipped bit in any byte is one finding, at the right row and line', async () => {
  await withLedger(9, async (ledger) => {
    for (let offset = 0; offset < ledger.bytes.length; offset++) {
      await assertNamed(ledger, offset, (ledger.bytes[offset] as number) ^ (1 << (offset % 8)));
    }
  });
});

test('a newline, a NUL or a quote in place of any byte is named at the right row and line', async () => {
  await withLedger(4, async (ledger) => {
    for (let offset = 0; offset < ledger.bytes.length; offset++) {
      const byte = [NEWLINE, 0, 0x22][offset % 3] as number;
      if (ledger.bytes[offset] !== byte) await assertNamed(ledger, offset, byte);
    }
  });
});

test('property: any byte changed to any other byte is named', async () => {
  await withLedger(20, async (ledger) => {
    const change = fc.tuple(fc.nat(ledger.bytes.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(change, async ([offset, byte]) => {
        fc.pre(ledger.bytes[offset] !== byte);
        await assertNamed(ledger, offset, byte);
      }),
      { numRuns: 1000 },
    );
  });
});

test('any row deleted but the last is a gap at the row after it', async () => {
  await withLedger(10, async ({ lines, check }) => {
    for (let i = 0; i < lines.length - 1; i++) {
      const result = await check(lines.filter((_, at) => at !== i));
      const code = i === 0 ? 'FRONT_TRUNCATED' : 'SEQ_GAP';
      assert.equal(result.verdict, 'broken');
      assert.equal(result.findings_total, 1, JSON.stringify(result.findings));
      assert.deepEqual(
        [result.findings[0]?.code, result.findings[0]?.seq, result.findings[0]?.place?.line],
        [code, i + 2, i + 1],
      );
    }
  });
});

test('rows cut off the end leave a shorter ledger that is intact: only a known head or number of rows tells', async () => {
  await withLedger(10, async ({ lines, check }) => {
    const result = await check(lines.slice(0, 7));
    assert.equal(result.verdict, 'intact');
    assert.match(result.not_proved.join('\n'), /cut off the end/);
  });
});

test('any two rows swapped are detected where the order first fails', async () => {
  await withLedger(9, async ({ lines, check }) => {
    for (let i = 0; i < lines.length; i++) {
      for (let k = i + 1; k < lines.length; k++) {
        const swapped = [...lines];
        [swapped[i], swapped[k]] = [lines[k] as string, lines[i] as string];
        const result = await check(swapped);
        assert.equal(result.verdict, 'broken');
        assert.equal(result.findings[0]?.place?.line, i + 1, JSON.stringify(result.findings));
      }
    }
  });
});

test('any row inserted again anywhere is a replay, told once', async () => {
  await withLedger(8, async ({ lines, check }) => {
    for (let i = 0; i < lines.length; i++) {
      for (let at = i + 1; at <= lines.length; at++) {
        const doubled = [...lines.slice(0, at), lines[i] as string, ...lines.slice(at)];
        const result = await check(doubled);
        const [first] = result.findings;
        assert.equal(result.verdict, 'broken');
        assert.deepEqual([first?.code, first?.seq, first?.place?.line], ['REPLAY', i + 1, at + 1], `${i} at ${at}`);
        assert.equal(result.findings_total, 1, JSON.stringify(result.findings));
      }
    }
  });
});

test('a foreign JSON object or junk inserted anywhere is named there, and nothing else is', async () => {
  await withLedger(8, async ({ lines, check }) => {
    for (let at = 1; at <= lines.length; at++) {
      for (const [junk, code] of [
        ['{"hello":"world"}', 'FOREIGN'],
        ['not json', at === lines.length ? 'TORN' : 'MALFORMED'],
        ['', at === lines.length ? 'TORN' : 'MALFORMED'],
      ] as const) {
        const result = await check([...lines.slice(0, at), junk, ...lines.slice(at)]);
        assert.deepEqual([result.findings[0]?.code, result.findings[0]?.place?.line], [code, at + 1]);
        assert.equal(result.findings_total, 1, JSON.stringify(result.findings));
      }
    }
  });
});

test('a second writer beside the first: the fork is named where it begins, its further rows are not', async () => {
  await withLedger(9, async ({ lines, check }) => {
    const other = chainOf();
    for (const row of sampleRows(4)) other.add(row);
    for (let i = 0; i < 3; i++) other.add({ action: 'other.writer', i });
    // Rows 6, 7, 8 stand twice: once from each writer, one after the other.
    const forked = [...lines.slice(0, 8), ...other.lines.slice(5), ...lines.slice(8)];
    const result = await check(forked);
    assert.deepEqual(
      result.findings.map(({ code, seq, place }) => [code, seq, place?.line]),
      [['FORK', 6, 9]],
    );
  });
});
