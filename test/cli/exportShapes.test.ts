/**
 * `ledger export` in the shapes of others, and a trace on its way back. What is expected is made here from the stored
 * lines, by JSON.parse and a few lines of its own.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ExportHeader } from '../../src/services/export';
import type { ImportResult } from '../../src/services/import';
import type { Row } from '../../src/core/members';
import { ensureBuilt } from '../support/built';
import { LEDGER, run } from '../support/process';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

type Line = Record<string, unknown>;

const STORIES = resolve(__dirname, '../../fixtures/stories');
const EMPTY = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

before(ensureBuilt);

/** RFC 8785 of what tests store: keys in ASCII. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const object = value as Line;
  return `{${Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`).join(',')}}`; // prettier-ignore
}

async function tell(box: Sandbox, story: string): Promise<void> {
  const bin = join(box.root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'ledger'), `#!/bin/sh\nexec '${process.execPath}' '${LEDGER}' "$@"\n`);
  chmodSync(join(bin, 'ledger'), 0o755);
  const env = { ...box.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const { status, stderr } = await run(['sh', join(STORIES, `${story}.sh`)], { env, cwd: box.root });
  assert.equal(status, 0, stderr);
}

function rowsOf(box: Sandbox): Row[] {
  return readFileSync(box.ledger, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Row); // prettier-ignore
}

interface Exported {
  readonly header: ExportHeader;
  readonly lines: readonly Line[];
  readonly text: string;
}

async function exporting(
  box: Sandbox,
  format: string,
  status: number,
  args: readonly string[] = [],
): Promise<Exported> {
  const ended = await ledger(box, ['export', '-q', '--format', format, ...args]);
  assert.equal(ended.status, status, ended.stderr);
  assert.equal(ended.stderr, '');
  const end = ended.stdout.indexOf('\n') + 1;
  const header = JSON.parse(ended.stdout.slice(0, end)) as ExportHeader;
  const text = ended.stdout.slice(end);
  assert.equal(header.sha256, sha256(text));
  const lines = text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line); // prettier-ignore
  return { header, lines, text };
}

/** The same members in the same order. */
function assertLines(found: readonly Line[], expected: readonly Line[]): void {
  assert.deepEqual(
    found.map((line) => JSON.stringify(line)),
    expected.map((line) => JSON.stringify(line)),
  );
}

/** Without members that are not there. */
const line = (members: Line): Line => JSON.parse(JSON.stringify(members)) as Line;

function rest(row: Row, ...said: readonly string[]): Line | undefined {
  const place = /^(?:seq|id|by|.*_hash|hash|run_seq|decision_seq|nonce)$/;
  const taken = [...said, row.occurred_at === undefined ? 'ts' : 'occurred_at'];
  const left = Object.entries(row).filter(([name]) => !place.test(name) && !taken.includes(name));
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

const timeOf = (row: Row): string => row.occurred_at ?? row.ts;

describe('stories', { concurrency: 2 }, () => {
  test('a run as its trace events: each hash is what a stranger computes, each parent is the line before', async (t) => {
    const box = sandbox(t);
    await tell(box, 'handoff-run');
    const { header, lines } = await exporting(box, 'trace', 0);
    const rows = rowsOf(box).slice(1);
    const expected = rows.map((row, i) =>
      line({
        ...{ id: row.id, runId: row.run_id, turnId: row.turn_id, timestamp: timeOf(row), type: row.action },
        payload: row.payload ?? {},
        contentHash: sha256(canonical(row.payload ?? {})),
        parentHash: rows[i - 1]?.hash,
        hash: row.hash,
        more: rest(row, 'run_id', 'turn_id', 'action', 'payload'),
      }),
    );
    assertLines(lines, expected);
    assert.equal(lines[0]?.['contentHash'], EMPTY);
    assert.deepEqual([header.rows, header.first_seq, header.last_seq, header.format], [14, 2, 15, 'trace']);
    assert.deepEqual(header.not_in_this_shape, { rows: 1, actions: { 'audit.genesis': 1 } });
    assert.deepEqual([header.links_elsewhere, header.altered_rows], [{ lines: 0, rows: 0 }, 0]);
  });

  test('a decision as its events: numbered, each linked to the one before', async (t) => {
    const box = sandbox(t);
    await tell(box, 'deploy-decision');
    const { header, lines } = await exporting(box, 'decision', 0);
    const expected = rowsOf(box)
      .slice(1)
      .map((row, i, rows) => {
        const { actor, role, executor } = (row.payload ?? {}) as Record<string, string | undefined>;
        return line({
          ...{ decision_id: 'deploy-pay-2.4.1', seq: i + 1, type: row.action, timestamp: timeOf(row) },
          ...{ actor: actor ?? executor ?? row.agent ?? null, role, by: row.by, payload: row.payload },
          ...{ prev_hash: rows[i - 1]?.hash ?? '0'.repeat(64), hash: row.hash, id: row.id },
          more: rest(row, 'decision_id', 'action', 'payload'),
        });
      });
    assertLines(lines, expected);
    assert.deepEqual([header.rows, header.links_elsewhere], [12, { lines: 0, rows: 0 }]);
  });

  test('a run that a person reviewed as its trail', async (t) => {
    const box = sandbox(t);
    await tell(box, 'april-close');
    const { lines } = await exporting(box, 'trail', 0);
    const rows = rowsOf(box).slice(1);
    const [title = {}, ...entries] = lines;
    assert.deepEqual(title, {
      ...{ class: 'Run trail', run_id: 'close-de-001-2026-04', workflow: 'ic-clearing-recon', workflow_version: '3.2' },
      scope: { entity: 'DE-001', period: '2026-04', counterparties: ['US-001', 'UK-002', 'SG-001'] },
    });
    assert.deepEqual(
      entries.map((entry) => [entry['t'], entry['class']]),
      [
        ['t=0', 'Run invocation'],
        ['t+8s', 'Tool call'],
        ['t+11s', 'Tool call'],
        ['t+22s', 'Tool call'],
        ['t+34s', 'Draft production'],
        ['t+9m', 'Reviewer action'],
        ['t+11m', 'Reviewer action'],
        ['t+11m', 'Approval'],
        ['t+11m', 'Surface delivery'],
      ],
    );
    rows.forEach((row, i) => {
      const said = { ...row.payload, timestamp: timeOf(row), run_seq: i + 1, by: row.by, id: row.id, hash: row.hash };
      assert.deepEqual({ ...entries[i], ...said, prev_hash: rows[i - 1]?.hash ?? '0'.repeat(64) }, entries[i]);
    });
    assert.equal(entries[1]?.['duration_ms'], 2100, 'a field that stands beside the payload');
    assert.deepEqual([entries[0]?.['authority'], entries[1]?.['as_of']], ['AD group finance-close', '2026-04-30T23:59:59.000Z']); // prettier-ignore
  });

  test('an order as its records, by the names of their classes', async (t) => {
    const box = sandbox(t);
    await tell(box, 'order');
    const { header, lines, text } = await exporting(box, 'proof', 0, ['--customer', 'cus_77']);
    const names = 'Order StripeWebhookEvent RevenueEvent AcquisitionRun ToolCall ToolCall ModelDecision ApprovalEvent Artifact RunEvent'; // prettier-ignore
    assert.deepEqual(lines.map(({ record }) => record), names.split(' ')); // prettier-ignore
    const rows = rowsOf(box).filter(({ action }) => action.startsWith('proof.'));
    const links = ({ order_id, run_id, customer_id, cost_usd }: Row): Line => line({ order_id, run_id, customer_id, cost_usd }); // prettier-ignore
    rows.forEach((row, i) => {
      const said = { provenance: 'live', timestamp: timeOf(row), ...links(row), ...row.payload };
      assert.deepEqual({ ...lines[i], ...said, id: row.id, hash: row.hash }, lines[i]);
    });
    assert.ok(text.includes('"cost_usd":0.3145,') && text.includes('"amount_usd":"49.00",'));
    assert.deepEqual(header.not_in_this_shape, { rows: 1, actions: { 'surface.delivery': 1 } });
    assert.deepEqual(header.provenance, { live: 10 });
  });
});

const EVENTS = [
  '{"run_id":"r1","action":"run_started","agent":"a"}',
  '{"run_id":"r1","turn_id":"t","action":"tool_executed","cost_usd":0.0000001,"payload":{"z":1,"a":"\\u202e\\u0007 \\"x\\""}}',
  '{"run_id":"r1","action":"tool.used"}',
  '{"run_id":"r2","action":"error","provenance":"sample","payload":{"n":1e-7}}',
  '{"run_id":"r1","action":"run_completed","occurred_at":"2026-01-01T00:00:00.000Z"}',
].join('\n');

async function filled(t: TestContext, rows = EVENTS): Promise<Sandbox> {
  const box = sandbox(t);
  const { status, stderr } = await ledger(box, ['append', '-q', '-'], { stdin: rows });
  assert.equal(status, 0, stderr);
  return box;
}

test('a link to a row that is no event is told, numbers and marks are as they are stored', async (t) => {
  const box = await filled(t);
  const { header, text, lines } = await exporting(box, 'trace', 0);
  assert.deepEqual(header.links_elsewhere, { lines: 1, rows: 1 });
  assert.deepEqual(header.not_in_this_shape, { rows: 2, actions: { 'audit.genesis': 1, 'tool.used': 1 } });
  assert.deepEqual(header.provenance, { live: 3, sample: 1 });
  assert.ok(text.includes('{"z":1,"a":"\\u202e\\u0007 \\"x\\""}') && text.includes('"cost_usd":0.0000001'));
  assert.equal(lines[2]?.['provenance'], 'sample');
  const loud = await ledger(box, ['export', '--format', 'trace', '--no-header']);
  assert.equal(loud.stderr, 'ledger: note: rows that have no place in this shape: tool.used 1; the header names all\n');
  assert.equal(loud.stdout, text);
});

test('no row with a place in the shape is the negative answer, and the header says which there were', async (t) => {
  const { header, lines } = await exporting(await filled(t), 'decision', 1);
  assert.deepEqual([header.rows, lines, header.not_in_this_shape?.rows], [0, [], 6]);
});

test('a row that was changed is told: its lines no longer show their bytes', async (t) => {
  const box = await filled(t);
  writeFileSync(box.ledger, readFileSync(box.ledger, 'utf8').replace('"z":1', '"z":2'));
  const { header, lines } = await exporting(box, 'trace', 3);
  assert.equal(header.altered_rows, 1);
  assert.notEqual(lines[1]?.['contentHash'], sha256(canonical(lines[1]?.['payload'])));
  const { stderr } = await ledger(box, ['export', '--format', 'trace']);
  assert.match(stderr, /rows that are not what their writers wrote: 1; see "ledger verify"/);
});

async function importing(
  box: Sandbox,
  text: string,
  status: number,
  args: readonly string[] = [],
): Promise<ImportResult & { readonly stderr: string }> {
  const ended = await ledger(box, ['import', '--json', '-', ...args], { stdin: text });
  assert.equal(ended.status, status, ended.stderr);
  return { ...(JSON.parse(ended.stdout) as ImportResult), stderr: ended.stderr };
}

/** What two ledgers must say alike of an event. */
function said({ runId, turnId, timestamp, type, payload, contentHash, more }: Line): Line {
  const { agent, cost_usd: cost } = (more ?? {}) as Line;
  return line({ runId, turnId, timestamp, type, payload, contentHash, agent, cost });
}

test('there and back: the same events, each once, whatever the header; what is a sample stays one', async (t) => {
  const first = await exporting(await filled(t), 'trace', 0);
  const box = sandbox(t);
  const whole = `${JSON.stringify(first.header)}\n${first.text}`;
  const result = await importing(box, whole, 0);
  assert.deepEqual([result.imported, result.lines, result.is_as_exported], [4, 4, true]);
  assert.deepEqual(result.trace, { events: 4, without_content_hash: 0, unlinked: 1 });
  assert.match(result.stderr, /1 event does not name the event before/);
  const second = await exporting(box, 'trace', 0);
  assertLines(second.lines.map(said), first.lines.map(said));
  assert.deepEqual(second.lines.map(({ provenance }) => provenance), ['imported', 'imported', 'sample', 'imported']); // prettier-ignore
  assert.deepEqual(rowsOf(box)[1]?.imported_from, {
    ...{ contentHash: EMPTY, id: first.lines[0]?.['id'], hash: first.lines[0]?.['hash'] },
  });
  assert.equal((await importing(box, whole, 0)).duplicates, 4);
  assert.equal((await importing(box, first.text, 0, ['--format', 'trace', '-q'])).stderr, '');
  assert.equal(rowsOf(box).length, 5);
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

test('an event whose payload was changed is set aside, and the file is not what was exported', async (t) => {
  const { header, text } = await exporting(await filled(t), 'trace', 0);
  const box = sandbox(t);
  const result = await importing(box, `${JSON.stringify(header)}\n${text.replace('"z":1', '"z":2')}`, 1);
  assert.deepEqual(result.broken, { CONTENT_ALTERED: 1 });
  assert.deepEqual([result.imported, result.quarantined, result.is_as_exported], [3, 1, false]);
  assert.match(result.stderr, /not what was exported/);
});

test('what lines are can be said: every other line is set aside, or none is an event', async (t) => {
  const text = '{"runId":"r","type":"a.b","timestamp":"2026-01-01T00:00:00Z","payload":{}}\n{"action":"c.d"}\n';
  const strict = await importing(sandbox(t), text, 1, ['--format', 'trace']);
  assert.deepEqual([strict.imported, strict.broken], [1, { MEMBER_MISSING: 1 }]);
  const rows = sandbox(t);
  assert.deepEqual((await importing(rows, text, 0, ['--format', 'rows'])).trace, null);
  assert.deepEqual(rowsOf(rows).slice(1).map(({ action }) => action), ['imported.row', 'c.d']); // prettier-ignore
  const mixed = sandbox(t);
  assert.equal((await importing(mixed, text, 0)).trace?.events, 1);
  assert.deepEqual(rowsOf(mixed).slice(1).map(({ action }) => action), ['a.b', 'c.d']); // prettier-ignore
});

test('a row of its own member "more" comes back whole; one that was altered out of its shape is told of', async (t) => {
  const box = sandbox(t);
  const row =
    '{"action":"tool_executed","run_id":"r1","cost_usd":5,"agent":"a","payload":{"tool":"x"},"more":"notes of mine"}';
  await ledger(box, ['append', row]);
  const exported = await ledger(box, ['export', '--format', 'trace']);
  const other = sandbox(t);
  const imported = await ledger(other, ['import', '-'], { stdin: exported.stdout });
  assert.equal(imported.status, 0, imported.stderr);
  const [, back] = readFileSync(other.ledger, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  assert.deepEqual([back?.['cost_usd'], back?.['agent'], back?.['more']], [5, 'a', 'notes of mine']);
  writeFileSync(
    box.ledger,
    readFileSync(box.ledger, 'utf8').replace('"action":"tool_executed"', '"action":"tool_executeX"'),
  );
  const altered = await ledger(box, ['export', '--format', 'trace']);
  assert.equal((JSON.parse(altered.stdout.split('\n')[0] ?? '') as { altered_rows: number }).altered_rows, 1);
});

test('a record names the order that the row was done for, whatever its payload tells of', async (t) => {
  const box = sandbox(t);
  await ledger(box, ['append', '{"action":"tool_executed","run_id":"r1","order_id":"o1","cost_usd":7,"payload":{"tool":"x","run_id":"child","order_id":"o2","customer_id":"victim"}}']); // prettier-ignore
  const [, record] = (await ledger(box, ['export', '--format', 'proof', 'order_id=o1'])).stdout.split('\n');
  const { order_id: order, run_id: run, customer_id: customer } = JSON.parse(record ?? '') as Record<string, unknown>;
  assert.deepEqual([order, run, customer], ['o1', 'r1', undefined]);
  const margins = await ledger(box, ['proof', '--by', 'order', '--json']);
  assert.match(margins.stdout, /"o1"/);
  assert.doesNotMatch(margins.stdout, /"o2"/);
});
