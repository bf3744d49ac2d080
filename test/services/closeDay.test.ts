/** `ledger close-day`: what a day cost as of one row; what comes later is an adjustment, and what changes is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { ClosedDay } from '../../src/core/rollup';
import { closeDay } from '../../src/services/closeDay';
import type { CloseDayResult } from '../../src/services/closeDay';
import { rollup } from '../../src/services/rollup';
import { makeLedger } from '../support/ledgers';
import { ledger, sandbox } from '../support/sandbox';

const NOW = Date.parse('2026-11-21T11:00:00Z');

function folder(t: TestContext, settings: object = {}): string {
  const parent = mkdtempSync(join(tmpdir(), 'ledger-close-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  writeFileSync(join(parent, 'ledger.config.json'), JSON.stringify({ timezone: 'UTC', ...settings }));
  return join(parent, 'state');
}

const placeOf = (dir: string) => ({ dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } });
const quiet = {
  onHeal: () => undefined,
  onRowsLost: () => undefined,
  onIndexFault: () => undefined,
  onOtherLedger: () => undefined,
  onDrain: () => undefined,
};

function close(dir: string, day: string): Promise<CloseDayResult> {
  return closeDay({ place: placeOf(dir), day, tz: undefined, nowMs: NOW, events: quiet });
}

async function closedIn(dir: string, window: object): Promise<readonly ClosedDay[]> {
  return (await rollup({ place: placeOf(dir), nowMs: NOW, ...window })).closed_days;
}

test('a day of 23 hours and one of 25 are closed whole, in Berlin and in New York', async (t) => {
  const days = [
    {
      zone: 'Europe/Berlin',
      day: '2026-03-29',
      from: '2026-03-28T23:00:00.000Z',
      to: '2026-03-29T22:00:00.000Z',
      hours: 23,
    },
    {
      zone: 'Europe/Berlin',
      day: '2026-10-25',
      from: '2026-10-24T22:00:00.000Z',
      to: '2026-10-25T23:00:00.000Z',
      hours: 25,
    },
    {
      zone: 'America/New_York',
      day: '2026-03-08',
      from: '2026-03-08T05:00:00.000Z',
      to: '2026-03-09T04:00:00.000Z',
      hours: 23,
    },
    {
      zone: 'America/New_York',
      day: '2026-11-01',
      from: '2026-11-01T04:00:00.000Z',
      to: '2026-11-02T05:00:00.000Z',
      hours: 25,
    },
  ];
  for (const { zone, day, from, to, hours } of days) {
    const dir = folder(t, { timezone: zone });
    const before = (text: string): string => new Date(Date.parse(text) - 1).toISOString();
    makeLedger(dir, [
      { action: 'a.b', cost_usd: 1, occurred_at: before(from) },
      { action: 'a.b', cost_usd: 0.1, occurred_at: from },
      { action: 'a.b', cost_usd: 0.02, occurred_at: before(to) },
      { action: 'a.b', cost_usd: 5, occurred_at: to },
    ]);
    const result = await close(dir, day);
    assert.deepEqual(
      [result.status, result.hours, result.closed['spent_usd'], result.closed['rows']],
      ['closed', hours, '0.12', 2],
    );
    assert.deepEqual([result.closed['since'], result.closed['until']], [from, to]);
    assert.deepEqual(
      (await closedIn(dir, { day })).map(({ state }) => state),
      ['as-closed'],
    );
  }
});

test('what comes later is an adjustment of its day, with an index and without; what changes is told', async (t) => {
  const box = sandbox(t);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"timezone":"UTC"}');
  const add = async (at: string, usd: string): Promise<void> => {
    const { status } = await ledger(box, ['append', '-q', '--action', 'a.b', '--occurred-at', at, '--cost-usd', usd]);
    assert.equal(status, 0);
  };
  const lines = async (): Promise<unknown> => {
    const { stdout } = await ledger(box, ['rollup', '--since', '2026-10-01', '--until', '2026-10-04', '--json']);
    const { closed_days: days } = JSON.parse(stdout) as { readonly closed_days: readonly ClosedDay[] };
    return days.map((one) => [one.day, one.state, one.closed_usd, one.adjusted_usd, one.adjusted_rows, one.now_usd]);
  };
  await add('2026-10-01T10:00:00Z', '4.1');
  await add('2026-10-02T10:00:00Z', '1');
  assert.equal((await ledger(box, ['close-day', '--day', '2026-10-01'])).status, 0);
  await add('2026-10-01T10:00:00Z', '0.2');
  assert.equal((await ledger(box, ['close-day', '--day', '2026-10-02'])).status, 0);
  await add('2026-10-01T23:59:59.999Z', '0.05');
  await add('2026-10-03T00:00:00Z', '7');
  assert.equal((await ledger(box, ['close-day', '--day', '2026-10-03', '-q'])).status, 0);
  const wanted = [
    ['2026-10-01', 'adjusted', '4.1', '0.25', 2, '4.35'],
    ['2026-10-02', 'as-closed', '1', '0', 0, '1'],
    ['2026-10-03', 'as-closed', '7', '0', 0, '7'],
  ];
  assert.deepEqual(await lines(), wanted);
  assert.equal((await ledger(box, ['sweep', '-q'])).status, 0);
  assert.deepEqual(await lines(), wanted, 'from the index');
  rmSync(join(box.dir, 'index.db'));
  writeFileSync(box.ledger, readFileSync(box.ledger, 'utf8').replace('"cost_usd":4.1,', '"cost_usd":4.0,'));
  assert.deepEqual(await lines(), [['2026-10-01', 'changed', '4.1', '0.25', 2, '4.25'], ...wanted.slice(1)]);
  const { stderr } = await ledger(box, ['rollup', '--day', '2026-10-01', '-q']);
  assert.match(stderr, /closed at 4\.1 USD \(row 4\), and the rows that were counted then add up to 4 now/);
});

test('a row stays below its limit: the dearest are named, the others are one sum, and all is the day', async (t) => {
  const dir = folder(t, { caps: [{ usd: '5', per: 'day', provider: 'p' }] });
  const rows = Array.from({ length: 400 }, (_, i) => ({
    action: 'a.b',
    occurred_at: '2026-11-20T10:00:00Z',
    cost_usd: (i + 1) / 1000,
    customer_id: `${'\u0001'.repeat(i % 2 === 0 ? 0 : 90)}c${i}`,
    provider: 'p',
    ...(i % 4 === 0 ? {} : { run_id: `r${i}` }),
  }));
  makeLedger(dir, rows);
  const { closed } = await close(dir, '2026-11-20');
  const by = closed['by'] as Record<
    string,
    { groups: { key: string; spent_usd: string }[]; others: { keys: number; spent_usd: string } }
  >;
  assert.deepEqual(Object.keys(by), ['customer_id', 'action', 'run_id', 'provider']);
  for (const [name, { groups, others }] of Object.entries(by)) {
    const milli = [...groups, others].reduce((sum, one) => sum + Math.round(Number(one.spent_usd) * 1000), 0);
    assert.equal(milli, 80_200, name);
    assert.ok(groups.length <= 50);
  }
  assert.equal(by['customer_id']?.groups[0]?.key, 'c398');
  assert.deepEqual([by['customer_id']?.groups.length, by['customer_id']?.others.keys], [50, 350]);
  assert.deepEqual([by['run_id']?.groups.length, by['run_id']?.others.keys], [50, 250]);
});

test('closed by many at once while rows come in: one row, and not a cent is in neither or in both', async (t) => {
  const box = sandbox(t);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"timezone":"UTC"}');
  const at = '2026-10-01T10:00:00Z';
  const add = () => ledger(box, ['append', '-q', '--action', 'a.b', '--occurred-at', at, '--cost-usd', '0.01']);
  assert.equal((await add()).status, 0);
  const closing = Array.from({ length: 6 }, () => ledger(box, ['close-day', '--day', '2026-10-01', '--json']));
  const ended = await Promise.all([...closing, ...Array.from({ length: 12 }, add)]);
  assert.deepEqual(
    ended.map(({ status }) => status),
    ended.map(() => 0),
  );
  const told = ended.slice(0, 6).map(({ stdout }) => JSON.parse(stdout) as CloseDayResult);
  assert.equal(new Set(told.map(({ id }) => id)).size, 1);
  assert.equal(told.filter(({ status }) => status === 'closed').length, 1);
  const { stdout } = await ledger(box, ['rollup', '--day', '2026-10-01', '--json']);
  const [day] = (JSON.parse(stdout) as { readonly closed_days: readonly ClosedDay[] }).closed_days;
  assert.notEqual(day?.state, 'changed');
  assert.equal(day?.now_usd, '0.13');
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

test('a day is not called closed because another row took its key', async (t) => {
  const box = sandbox(t);
  await ledger(box, ['append', '-q', '--action', 'a.b', '--idempotency-key', 'close:2026-10-01']);
  const { status, stdout, stderr } = await ledger(box, ['close-day', '--day', '2026-10-01']);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /expected key "close:2026-10-01" on a row that closes a day, found row 2/);
});
