/** Sums of a ledger on disk: which rows they begin with, over days of 23 and 25 hours, and what they do not believe. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Cap } from '../../../src/core/caps';
import { inForce } from '../../../src/core/capState';
import { errnoOf, LedgerError } from '../../../src/core/errors';
import { formatNanos } from '../../../src/core/money';
import { ulidAt } from '../../../src/core/ids';
import { formatTime } from '../../../src/core/time';
import { statePaths } from '../../../src/store/paths';
import type { StatePaths } from '../../../src/store/paths';
import { openFile } from '../../../src/store/files';
import { zoneNamed } from '../../../src/store/machine/hostZone';
import { bringUp, openReservations, spendNow } from '../../../src/store/spend/currentSpend';
import type { SpendRequest } from '../../../src/store/spend/currentSpend';
import { readSpend, writeSpend } from '../../../src/store/spend/spendFile';
import { forgedRow, withHash } from '../../support/forgedRows';
import { sandbox } from '../../support/sandbox';

const GENESIS = withHash(
  `{"seq":1,"ts":"2026-01-01T00:00:00.000Z","id":"${ulidAt(Date.parse('2026-01-01'), new Uint8Array(16))}","by":"1:a@b","action":"audit.genesis","payload":{"format":"ledger/1","ledger_id":"01K00000000000000000000000","origin":"o","lock":"kernel"},"nonce":"hmR0PnEucgZBCOeD_sjWfg","prev_hash":"${'0'.repeat(64)}"}`,
);

interface Spent {
  readonly at: string;
  readonly usd: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** A ledger whose rows were appended at these times. */
function ledgerOf(t: TestContext, spent: readonly Spent[]): StatePaths {
  const box = sandbox(t);
  mkdirSync(box.dir, { recursive: true });
  const lines = [GENESIS];
  let latest = 0;
  for (const [i, { at, usd, more = {} }] of spent.entries()) {
    const ms = Date.parse(at);
    latest = Math.max(latest, ms);
    const random = Buffer.from(String(i).padStart(16, '0'));
    const id = ulidAt(latest, random);
    lines.push(forgedRow(lines, { ts: `"${formatTime(ms)}"`, id: `"${id}"`, cost_usd: usd, ...more }));
  }
  const paths = statePaths(box.dir, box.env);
  writeFileSync(paths.ledger, lines.map((line) => `${line}\n`).join(''));
  return paths;
}

const cap = (per: Cap['per'], scope: Record<string, string> = {}): Cap => ({
  nanos: 100_000_000_000n,
  per,
  scope: new Map(Object.entries(scope)),
});

function requestOf(paths: StatePaths, caps: readonly Cap[], now: string, zone = 'Europe/Berlin'): SpendRequest {
  const dayStartMs = 0;
  return {
    paths,
    plan: { caps, zoneName: zone, dayStartMs },
    calendar: () => ({ zone: zoneNamed(zone, {}), dayStartMs }),
    nowMs: Date.parse(now),
  };
}

async function spentAt(request: SpendRequest): Promise<string[]> {
  const spend = await spendNow(request);
  return spend.statesNow(request.nowMs).map(({ spentNanos }) => formatNanos(spentNanos));
}

test('a day of 25 hours and one of 23 are counted whole, by the time of the append', async (t) => {
  // Berlin leaves summer time on 2026-10-25 and New York a week later; both begin it in March.
  const days = [
    { zone: 'Europe/Berlin', from: '2026-10-24T22:00:00.000Z', to: '2026-10-25T23:00:00.000Z', hours: 25 },
    { zone: 'America/New_York', from: '2026-11-01T04:00:00.000Z', to: '2026-11-02T05:00:00.000Z', hours: 25 },
    { zone: 'Europe/Berlin', from: '2026-03-28T23:00:00.000Z', to: '2026-03-29T22:00:00.000Z', hours: 23 },
    { zone: 'America/New_York', from: '2026-03-08T05:00:00.000Z', to: '2026-03-09T04:00:00.000Z', hours: 23 },
  ];
  for (const { zone, from, to, hours } of days) {
    assert.equal(Date.parse(to) - Date.parse(from), hours * 3_600_000);
    const before = formatTime(Date.parse(from) - 1);
    const last = formatTime(Date.parse(to) - 1);
    const dated = { occurred_at: `"${before}"` };
    const paths = ledgerOf(t, [
      { at: before, usd: '1' },
      { at: from, usd: '0.1', more: dated },
      { at: formatTime(Date.parse(from) + 12 * 3_600_000), usd: '0.02' },
      { at: last, usd: '0.003' },
    ]);
    assert.deepEqual(await spentAt(requestOf(paths, [cap('day')], last, zone)), ['0.123']);
    assert.deepEqual(await spentAt(requestOf(paths, [cap('day')], before, zone)), ['1.123'], 'rows ahead of the clock');
  }
});

test('only what can count is read: of a long ledger its last days, whatever the clock did before', async (t) => {
  const spent: Spent[] = [];
  for (let day = 1; day <= 28; day++) {
    const date = `2026-10-${String(day).padStart(2, '0')}`;
    for (let i = 0; i < 40; i++)
      spent.push({
        at: `${date}T12:00:${String(i).padStart(2, '0')}.000Z`,
        usd: '0.01',
        more: { pad: `"${'x'.repeat(300)}"` },
      });
    // A clock that went back a week for one row.
    if (day === 27) spent.push({ at: '2026-10-20T00:00:00.000Z', usd: '5' });
  }
  const paths = ledgerOf(t, spent);
  const now = '2026-10-28T20:00:00.000Z';
  const caps = [cap('day'), cap('week'), cap('month'), cap('rolling_24h'), cap('hour')];
  assert.deepEqual(await spentAt(requestOf(paths, caps, now)), ['0.4', '1.2', '16.2', '0.4', '0']);
  // A broken line before the day is nobody's business today, and is for the month.
  const text = readFileSync(paths.ledger, 'utf8').split('\n');
  text[3] = (text[3] as string).slice(0, -10);
  writeFileSync(paths.ledger, text.join('\n'));
  assert.deepEqual(await spentAt(requestOf(paths, [cap('day')], now)), ['0.4']);
  await assert.rejects(spentAt(requestOf(paths, caps, now)), (error) => codeOf(error) === 'LEDGER_BROKEN');
});

const codeOf = (error: unknown): string | undefined => (error instanceof LedgerError ? error.code : errnoOf(error));

test('stored sums go on where they stand, over midnight too, and are made anew where the file or the plan is another', async (t) => {
  const rows = [1, 2, 3].map((hour) => ({
    at: `2026-10-28T0${hour}:00:00.000Z`,
    usd: '0.1',
    more: { run_id: '"r"', run_seq: `${hour}` },
  }));
  const paths = ledgerOf(t, rows);
  const caps = [cap('day'), cap('run'), cap('rolling_24h')];
  const request = requestOf(paths, caps, '2026-10-28T04:00:00.000Z');
  writeSpend(paths, request.plan, await spendNow(request), request.nowMs);
  const stored = readSpend(paths, request.plan);
  assert.equal(stored?.through.seq, 4);
  assert.equal(readSpend(paths, { ...request.plan, caps: [cap('day')] }), undefined);
  assert.equal(readSpend(paths, { ...request.plan, zoneName: 'UTC' }), undefined);
  const lines = readFileSync(paths.ledger, 'utf8').trimEnd().split('\n');
  const next = (cost: string, at: string): string =>
    forgedRow(lines, {
      ts: `"${at}"`,
      cost_usd: cost,
      run_id: '"r"',
      run_seq: '4',
      id: `"${ulidAt(Date.parse(at), new Uint8Array(16))}"`,
    });
  const tomorrow = '2026-10-28T23:30:00.000Z';
  appendFileSync(paths.ledger, `${next('0.25', tomorrow)}\n`);
  const later = requestOf(paths, caps, '2026-10-28T23:45:00.000Z');
  const gone = await bringUp(
    later,
    openFile(paths.ledger, 'read'),
    readFileSync(paths.ledger).length,
    stored && { spend: stored, storedBytes: 1 },
  );
  assert.equal(gone.storedBytes, undefined, 'the day is another: worth storing');
  assert.deepEqual(
    gone.spend.statesNow(later.nowMs).map(({ spentNanos }) => formatNanos(spentNanos)),
    ['0.25', '0.55', '0.55'],
  );
  // Cut and written again: the row that the sums go up to is not there any more.
  const shorter = `${lines.slice(0, 2).join('\n')}\n${forgedRow(lines.slice(0, 2), { ts: '"2026-10-28T02:30:00.000Z"', cost_usd: '0.7' })}\n`;
  writeFileSync(paths.ledger, shorter);
  assert.deepEqual(await spentAt(request), ['0.8', '0.1', '0.8']);
  rmSync(paths.spend);
  assert.deepEqual(await spentAt(request), ['0.8', '0.1', '0.8']);
});

test('open reservations are of the last day: without stored sums no month is read for them', async (t) => {
  const reserved = {
    action: '"spend.reserved"',
    payload: '{"est_usd":"0.5","expires_at":"2026-10-28T05:00:00.000Z","caps":[]}',
  };
  const long: Spent[] = Array.from({ length: 400 }, () => ({ at: '2026-10-02T12:00:00.000Z', usd: '0.1' }));
  const paths = ledgerOf(t, [...long, { at: '2026-10-28T04:00:00.000Z', usd: '0', more: reserved }]);
  const lines = readFileSync(paths.ledger, 'utf8').split('\n');
  lines[3] = (lines[3] as string).slice(0, -10);
  writeFileSync(paths.ledger, lines.join('\n'));
  const request = requestOf(paths, [cap('month')], '2026-10-28T04:30:00.000Z');
  await assert.rejects(spendNow(request), (error) => codeOf(error) === 'LEDGER_BROKEN');
  assert.deepEqual(
    (await openReservations(request)).map(({ nanos }) => nanos),
    [500_000_000n],
  );
});

test('an override of last week is found without the rows since, stored or not; one that was put there is not believed', async (t) => {
  const raised = (raisedTo: string): Record<string, string> => ({
    action: '"spend.override"',
    payload: `{"usd":"100","per":"day","raised_to_usd":"${raisedTo}","raised_until":"2026-11-10T00:00:00.000Z"}`,
  });
  const many: Spent[] = Array.from({ length: 800 }, () => ({ at: '2026-10-20T12:00:00.000Z', usd: '0.1' }));
  const quoted = { payload: '{"action":"spend.override"}' };
  const paths = ledgerOf(t, [
    { at: '2026-10-15T08:00:00.000Z', usd: '0', more: raised('300') },
    { at: '2026-10-15T09:00:00.000Z', usd: '0', more: raised('200') },
    { at: '2026-10-15T09:30:00.000Z', usd: '0.1', more: quoted },
    ...many,
    { at: '2026-10-28T02:00:00.000Z', usd: '0.3' },
  ]);
  const heightAt = async (now: string, caps = [cap('day'), cap('day', { agent: 'a' })]): Promise<unknown> => {
    const request = requestOf(paths, caps, now);
    const spend = await spendNow(request);
    writeSpend(paths, request.plan, spend, request.nowMs);
    return spend.statesNow(request.nowMs).map((state) => [formatNanos(inForce(state).nanos), state.override?.seq]);
  };
  const raisedNow = [
    ['200', 3],
    ['100', undefined],
  ];
  assert.deepEqual(await heightAt('2026-10-28T04:00:00.000Z'), raisedNow);
  assert.deepEqual(await heightAt('2026-10-28T05:00:00.000Z'), raisedNow, 'from what was stored');
  rmSync(paths.spend);
  assert.deepEqual(await heightAt('2026-11-09T23:59:59.999Z'), raisedNow);
  assert.deepEqual(await heightAt('2026-11-10T00:00:00.000Z'), [
    ['100', undefined],
    ['100', undefined],
  ]);
  assert.deepEqual(await heightAt('2026-10-28T04:00:00.000Z', [{ ...cap('day'), nanos: 90_000_000_000n }]), [
    ['90', undefined],
  ]);
  // A row of its own right hash, and of no place in the chain.
  const lines = readFileSync(paths.ledger, 'utf8').trimEnd().split('\n');
  const forged = forgedRow(lines.slice(0, 100), { ...raised('900'), ts: '"2026-10-20T12:00:00.000Z"' });
  writeFileSync(paths.ledger, `${[...lines.slice(0, 100), forged, ...lines.slice(100)].join('\n')}\n`);
  rmSync(paths.spend);
  await assert.rejects(heightAt('2026-10-28T04:00:00.000Z'), (error) => codeOf(error) === 'LEDGER_BROKEN');
});

test('a link that does not fit is broken, and so is a torn end', async (t) => {
  const paths = ledgerOf(
    t,
    [1, 2, 3].map((hour) => ({ at: `2026-10-28T0${hour}:00:00.000Z`, usd: '0.1' })),
  );
  const request = requestOf(paths, [cap('day')], '2026-10-28T04:00:00.000Z');
  const whole = readFileSync(paths.ledger, 'utf8');
  const lines = whole.trimEnd().split('\n');
  writeFileSync(paths.ledger, `${[lines[0], lines[1], lines[3]].join('\n')}\n`);
  await assert.rejects(spendNow(request), (error) => codeOf(error) === 'LEDGER_BROKEN');
  writeFileSync(paths.ledger, `${whole}{"seq":5,"ts`);
  await assert.rejects(spendNow(request), (error) => codeOf(error) === 'LEDGER_BROKEN');
  writeFileSync(join(paths.dir, 'audit.jsonl'), whole);
  assert.deepEqual(await spentAt(request), ['0.3']);
});
