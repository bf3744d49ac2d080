/** Writers for tests: the real one on a real folder, with a clock and randomness that the test chooses where it wants to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Host } from '../../src/core/host';
import { toJson } from '../../src/core/json';
import { checkRow } from '../../src/core/row';
import type { CheckedRow } from '../../src/core/row';
import type { Receipt } from '../../src/store/append/append';
import type { Drained } from '../../src/store/spill/drain';
import { nodeHost } from '../../src/store/machine/nodeHost';
import type { StatePaths } from '../../src/store/paths';
import { Writer } from '../../src/store/append/writer';
import { testPaths } from './ledgers';

/** A folder that goes away with the test. */
export function tempFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const checked = (row: Readonly<Record<string, unknown>>): CheckedRow =>
  checkRow(toJson(row), { nowMs: undefined });

export interface TestWriter {
  readonly writer: Writer;
  readonly paths: StatePaths;
  readonly drains: Drained[];
  /** The ids of the ledger that was known, and of the one in its place. */
  readonly others: [string, string][];
  /** One call: all or nothing. */
  append(...rows: Readonly<Record<string, unknown>>[]): Promise<Receipt[]>;
  /** Each row for itself. */
  each(...rows: Readonly<Record<string, unknown>>[]): Promise<Receipt[]>;
}

export function writerIn(t: TestContext, dir: string, host: Partial<Host> = {}): TestWriter {
  const paths = testPaths(dir);
  const drains: Drained[] = [];
  const others: [string, string][] = [];
  const events = {
    onHeal: () => undefined,
    onDrain: (drained: Drained) => drains.push(drained),
    onRowsLost: () => undefined,
    onIndexFault: () => undefined,
    onOtherLedger: (knownId: string, nowId: string) => others.push([knownId, nowId]),
  };
  const writer = new Writer({ paths, host: { ...nodeHost(), ...host }, durability: 'disk', events });
  t.after(() => writer.close());
  return {
    writer,
    paths,
    drains,
    others,
    append: (...rows) => writer.append(rows.map(checked)),
    each: (...rows) => writer.appendEach(rows.map(checked)),
  };
}

/** `landed,duplicate` */
export const statusesOf = (receipts: readonly Receipt[]): string => receipts.map(({ status }) => status).join();
