/**
 * Many processes and one budget: gates, settlements and releases that race each other and are killed in between. What was
 * allowed is added up again, by a reader that uses nothing of the product. Some seconds in the normal run;
 * `LEDGER_SOAK_MINUTES=1 node --import tsx --test test/faults/gate.test.ts` for longer.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { mapLimit, missingTools, run, sleep, start } from '../support/process';
import { shimEnv } from '../support/shim';
import { changing, killBefore, sample, strace, traceCalls } from '../support/strace';
import { inSandbox, ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const MINUTES = Number(process.env['LEDGER_SOAK_MINUTES'] ?? '0');
const DURATION_MS = MINUTES > 0 ? MINUTES * 60_000 : 6_000;
const PROCESSES = 32;
/** As long as a reservation lasts where nobody says otherwise. */
const TTL_MS = 600_000;
const LANES = MINUTES > 0 ? PROCESSES : 8;

interface Cap {
  readonly usd: string;
  readonly per: 'day' | 'run' | 'rolling_24h';
  readonly agent?: string;
}

async function budgeted(t: TestContext, caps: readonly Cap[]): Promise<Sandbox> {
  const box = sandbox(t);
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify({ caps, timezone: 'UTC' }));
  assert.equal((await ledger(box, ['init'])).status, 0);
  return box;
}

type StoredRow = Readonly<Record<string, unknown>> & { readonly payload?: Readonly<Record<string, unknown>> };

function rowsOf(box: Sandbox): StoredRow[] {
  const lines = readFileSync(box.ledger, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as StoredRow);
}

/** An amount in nano-dollars, from its digits. */
function nanos(usd: unknown): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

const counts = (cap: Cap, row: StoredRow, run: unknown): boolean =>
  (cap.agent === undefined || row['agent'] === cap.agent) && (cap.per !== 'run' || row['run_id'] === run);

/** How high a cap was when a gate looked: as the last override of it before that row says, while it holds. */
function heightAt(cap: Cap, before: readonly StoredRow[], lookedMs: number): bigint {
  const said = before.findLast((one) => one['action'] === 'spend.override' && one.payload?.['per'] === cap.per);
  const holds = said !== undefined && lookedMs < Date.parse(String(said.payload?.['raised_until']));
  return holds ? nanos(said.payload?.['raised_to_usd']) : nanos(cap.usd);
}

/** Every reservation with which a cap was passed, in words: what was spent before it, what was open then, and itself. */
function overspent(rows: readonly StoredRow[], caps: readonly Cap[]): string[] {
  const found: string[] = [];
  rows.forEach((row, i) => {
    if (row['action'] !== 'spend.reserved') return;
    const before = rows.slice(0, i);
    const closed = new Set(before.map((one) => one['idempotency_key']));
    const isOpen = (one: StoredRow): boolean =>
      one['action'] === 'spend.reserved' &&
      !closed.has(`reservation:${String(one['id'])}`) &&
      String(one.payload?.['expires_at']) > String(row['ts']);
    for (const cap of caps) {
      if (!counts(cap, row, row['run_id'])) continue;
      const day = String(row['ts']).slice(0, 10);
      const here = before.filter((one) => counts(cap, one, row['run_id']));
      const spent = here.filter((one) => cap.per !== 'day' || String(one['ts']).startsWith(day));
      let sum = nanos(row.payload?.['est_usd']);
      for (const one of spent) if (one['cost_usd'] !== undefined) sum += nanos(one['cost_usd']);
      for (const one of here.filter(isOpen)) sum += nanos(one.payload?.['est_usd']);
      const lookedMs = Math.min(
        Date.parse(String(row.payload?.['expires_at'])) - TTL_MS,
        Date.parse(String(row['ts'])),
      );
      if (sum > heightAt(cap, before, lookedMs))
        found.push(`row ${String(row['seq'])}: ${sum} of ${cap.usd} per ${cap.per}`);
    }
  });
  return found;
}

test('32 processes ask at once: what fits is allowed, to the cent, and no more', async (t) => {
  const caps: Cap[] = [{ usd: '1.00', per: 'day' }];
  const box = await budgeted(t, caps);
  const asked = Array.from({ length: PROCESSES }, () => ledger(box, ['gate', '--est', '0.10', '--agent', 'a']));
  const answers = await Promise.all(asked);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [0, 1]);
  assert.equal(answers.filter(({ status }) => status === 0).length, 10);
  const rows = rowsOf(box);
  assert.equal(rows.filter((row) => row['action'] === 'spend.refused').length, PROCESSES - 10);
  assert.deepEqual(overspent(rows, caps), []);
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

test('callers race a cap that is raised and lapses: what is allowed fits under what held when each looked', async (t) => {
  const caps: Cap[] = [{ usd: '0.10', per: 'day' }];
  const box = await budgeted(t, caps);
  const until = performance.now() + DURATION_MS;
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const { status, stderr } = await ledger(box, ['gate', '--est', '0.02', '--agent', 'a']);
      assert.ok(status === 0 || status === 1, stderr);
    }
  };
  const raise = async (): Promise<string> => {
    await sleep(DURATION_MS / 4);
    const end = new Date(Date.now() + DURATION_MS / 2).toISOString();
    const why = ['--reason', 'a race', '--until', end];
    const { status, stderr } = await ledger(box, ['override', '--cap', 'day', '--usd', '900', ...why]);
    assert.equal(status, 0, stderr);
    return end;
  };
  const [end] = await Promise.all([raise(), ...Array.from({ length: LANES }, ask)]);
  await sleep(Math.max(0, Date.parse(end) + 1100 - Date.now()));
  assert.equal((await ledger(box, ['gate', '--est', '0.02', '--agent', 'a'])).status, 1);
  const rows = rowsOf(box);
  assert.deepEqual(overspent(rows, caps), []);
  const raisedAt = rows.findIndex((row) => row['action'] === 'spend.override');
  const of = (action: string, part: readonly StoredRow[]): number =>
    part.filter((row) => row['action'] === action).length;
  const before = rows.slice(0, raisedAt);
  const after = rows.filter((row) => String(row['ts']) > new Date(Date.parse(end) + 1000).toISOString());
  assert.deepEqual([of('spend.reserved', before), of('spend.refused', before) > 0], [5, true]);
  assert.ok(of('spend.reserved', rows) > 5, 'more was allowed while it was raised');
  assert.deepEqual([of('spend.reserved', after), of('spend.refused', after) > 0], [0, true]);
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

interface Told {
  /** Reservations that a process was told of. */
  readonly allowed: string[];
  readonly settled: string[];
  readonly counts: Record<'asked' | 'allowed' | 'refused' | 'settled' | 'released' | 'killed', number>;
}

/** One caller after another; a third of them is killed somewhere. */
async function lane(box: Sandbox, number: number, until: number, told: Told): Promise<void> {
  for (let turn = 0; performance.now() < until; turn++) {
    const who = ['--agent', `a${(number + turn) % 3}`, '--run-id', `r${(number * 7 + turn) % 5}`];
    const ttl = turn % 4 === 0 ? '1s' : '10m';
    const asked = start(ledgerCommand('gate', '--est', '0.03', '--ttl', ttl, ...who), {
      env: box.env,
      cwd: box.root,
      stdin: '',
    });
    told.counts.asked++;
    if ((number + turn) % 3 === 0) {
      await sleep((number * 37 + turn * 61) % 160);
      if (asked.child.kill('SIGKILL')) told.counts.killed++;
    }
    const { status, stdout, stderr } = await asked.ended;
    assert.ok([0, 1, 137].includes(status), stderr);
    if (status === 1) told.counts.refused++;
    const id = stdout.trim();
    if (id.length !== 26) continue;
    told.allowed.push(id);
    told.counts.allowed++;
    if (turn % 3 === 2) continue;
    const closing = turn % 3 === 0 ? ['settle', id, '--cost-usd', '0.02'] : ['release', id];
    const closed = await ledger(box, closing);
    assert.equal(closed.status, 0, closed.stderr);
    if (closing[0] === 'settle') told.settled.push(id);
    told.counts[closing[0] === 'settle' ? 'settled' : 'released']++;
  }
}

test('callers race three levels of caps and are killed: no cap is passed, no reservation lost', async (t) => {
  const scale = MINUTES > 0 ? 10 * MINUTES : 1;
  const caps: Cap[] = [
    { usd: (0.3 * scale).toFixed(2), per: 'day' },
    { usd: (0.15 * scale).toFixed(2), per: 'day', agent: 'a1' },
    { usd: (0.12 * scale).toFixed(2), per: 'run' },
    { usd: (0.29 * scale).toFixed(2), per: 'rolling_24h' },
  ];
  const box = await budgeted(t, caps);
  const told: Told = {
    allowed: [],
    settled: [],
    counts: { asked: 0, allowed: 0, refused: 0, settled: 0, released: 0, killed: 0 },
  };
  const until = performance.now() + DURATION_MS;
  await Promise.all(Array.from({ length: LANES }, (_, i) => lane(box, i, until, told)));
  t.diagnostic(JSON.stringify(told.counts));
  assert.equal((await ledger(box, ['sweep', '-q'])).status === 2, false);
  const rows = rowsOf(box);
  assert.deepEqual(overspent(rows, caps), []);
  const reserved = new Set(rows.filter((row) => row['action'] === 'spend.reserved').map((row) => row['id']));
  assert.deepEqual(
    told.allowed.filter((id) => !reserved.has(id)),
    [],
  );
  const settled = rows.filter((row) => row['cost_usd'] !== undefined).map((row) => String(row['ref']));
  assert.deepEqual([...settled].sort(), [...new Set(told.settled)].sort());
  const { status, stdout } = await ledger(box, ['verify']);
  assert.equal(status, 0, stdout);
  assert.ok(told.counts.refused > 0 && told.counts.allowed > 0 && told.counts.killed > 0, JSON.stringify(told.counts));
});

test('one reservation is settled once, however many try at once', async (t) => {
  const box = await budgeted(t, [{ usd: '1', per: 'day' }]);
  const id = (await ledger(box, ['gate', '--est', '0.5'])).stdout.trim();
  const tries = Array.from({ length: 12 }, (_, i) =>
    ledger(box, i % 3 === 2 ? ['release', id] : ['settle', id, '--cost-usd', i % 3 === 0 ? '0.4' : '0.3', '--json']),
  );
  const ended = await Promise.all(tries);
  const rows = rowsOf(box).filter((row) => row['idempotency_key'] === `reservation:${id}`);
  assert.equal(rows.length, 1);
  assert.equal(ended.filter(({ status }) => status === 0).length, 4);
  for (const { status, stderr } of ended) if (status !== 0) assert.match(stderr, /RESERVATION_CLOSED|found it/);
});

test('what was stored of the sums is believed only while it holds', async (t) => {
  const box = await budgeted(t, [
    { usd: '1.00', per: 'day' },
    { usd: '0.60', per: 'run' },
  ]);
  const ask = async (usd: string): Promise<number> =>
    (await ledger(box, ['gate', '--est', usd, '--run-id', 'r', '--ttl', '1s'])).status;
  assert.equal(await ask('0.01'), 0);
  const costs = Array.from(
    { length: 500 },
    () => '{"action":"a.b","run_id":"r","cost_usd":0.001,"pad":"' + 'x'.repeat(200) + '"}\n',
  );
  assert.equal(
    (await run(ledgerCommand('append', '-q', '-'), { env: box.env, cwd: box.root, stdin: costs.join('') })).status,
    0,
  );
  await sleep(1100);
  assert.equal(await ask('0.11'), 1);
  assert.equal(await ask('0.1'), 0);
  const stored = join(box.dir, 'audit.spend');
  const whole = readFileSync(stored, 'utf8');
  // Damaged, of another ledger's rows, emptied: the ledger itself is read again.
  for (const text of [
    whole.replace('500000000', '100000000'),
    whole.slice(0, -40),
    '',
    '{}',
    whole.replaceAll('"r"', '"q"'),
  ]) {
    writeFileSync(stored, text);
    await sleep(1100);
    assert.equal(await ask('0.11'), 1, text.slice(0, 80));
  }
});

test('over a broken ledger nothing is allowed, and nothing without a cap', async (t) => {
  const box = await budgeted(t, [{ usd: '1.00', per: 'day' }]);
  for (const cost of ['0.2', '0.3', '0.1'])
    assert.equal((await ledger(box, ['append', '--action', 'a.b', '--cost-usd', cost])).status, 0);
  const text = readFileSync(box.ledger, 'utf8');
  writeFileSync(box.ledger, text.replace('"cost_usd":0.3', '"cost_usd":0.0'));
  const changed = await ledger(box, ['gate', '--est', '0.01', '--json']);
  assert.equal(changed.status, 2);
  assert.match(changed.stderr, /LEDGER_BROKEN/);
  writeFileSync(box.ledger, text.replace('"cost_usd":0.3', '"cost_usd":0.3\0'));
  assert.equal((await ledger(box, ['gate', '--est', '0.01'])).status, 2);
  writeFileSync(box.ledger, text);
  assert.equal((await ledger(box, ['gate', '--est', '0.01'])).status, 0);
  writeFileSync(join(box.root, 'ledger.config.json'), '{}');
  const uncapped = await ledger(box, ['gate', '--est', '0.01', '--json']);
  assert.equal(uncapped.status, 2);
  assert.match(uncapped.stderr, /NO_CAPS/);
});

test(
  'money that waits in the spill file counts before anything is allowed',
  { skip: missingTools('gcc') },
  async (t) => {
    const box = await budgeted(t, [{ usd: '1.00', per: 'day' }]);
    assert.equal((await ledger(box, ['append', '--action', 'a.b', '--cost-usd', '0.1'])).status, 0);
    const refusing = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 }) };
    const spilled = await ledger(box, ['append', '--action', 'a.b', '--cost-usd', '0.8'], { env: refusing });
    assert.match(spilled.stdout, /^spilled/);
    const refused = await ledger(box, ['gate', '--est', '0.11']);
    assert.equal(refused.status, 1, refused.stderr);
    assert.equal((await ledger(box, ['gate', '--est', '0.1'])).status, 0);
    assert.deepEqual(overspent(rowsOf(box), [{ usd: '1.00', per: 'day' }]), []);
  },
);

test('a gate that cannot write says no, and leaves nothing behind', { skip: missingTools('gcc') }, async (t) => {
  const box = await budgeted(t, [{ usd: '1.00', per: 'day' }]);
  assert.equal((await ledger(box, ['append', '--action', 'a.b', '--cost-usd', '0.1'])).status, 0);
  const before = readFileSync(box.ledger);
  const refusing = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 }) };
  for (const args of [
    ['gate', '--est', '0.1'],
    ['append', '--enforce', '--action', 'a.b', '--cost-usd', '0.2'],
  ]) {
    const ended = await ledger(box, args, { env: refusing });
    assert.equal(ended.status, 2, ended.stdout);
    assert.match(ended.stderr, /could not append|expected to append/);
  }
  const withCommand = await ledger(box, ['gate', '--est', '0.1', '--', 'touch', join(box.root, 'ran')], {
    env: refusing,
  });
  assert.equal(withCommand.status, 125);
  assert.equal(existsSync(join(box.root, 'ran')), false);
  assert.deepEqual(readFileSync(box.ledger), before);
  assert.deepEqual(
    readdirSync(box.dir).filter((name) => name.includes('spill')),
    [],
  );
});

test('a settlement that cannot be chained waits, and is not forgotten', { skip: missingTools('gcc') }, async (t) => {
  const box = await budgeted(t, [{ usd: '1.00', per: 'day' }]);
  const id = (await ledger(box, ['gate', '--est', '0.9', '--ttl', '1s'])).stdout.trim();
  const refusing = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 }) };
  const settled = await ledger(box, ['settle', id, '--cost-usd', '0.95'], { env: refusing });
  assert.equal(settled.status, 0, settled.stderr);
  assert.match(settled.stdout, /spilled/);
  assert.match(settled.stderr, /0\.05 USD more than was reserved/);
  await sleep(1100);
  assert.equal((await ledger(box, ['gate', '--est', '0.06'])).status, 1);
  assert.equal((await ledger(box, ['gate', '--est', '0.05'])).status, 0);
});

test(
  'killed before any of its system calls, a gate leaves a whole ledger and no cap passed',
  { skip: missingTools('strace') },
  async (t) => {
    const caps: Cap[] = [
      { usd: '0.20', per: 'day' },
      { usd: '0.20', per: 'run' },
    ];
    const template = await budgeted(t, caps);
    assert.equal(
      (await ledger(template, ['append', '--action', 'a.b', '--run-id', 'r', '--cost-usd', '0.05'])).status,
      0,
    );
    const command = ledgerCommand('gate', '--est', '0.10', '--run-id', 'r');
    const calls = await inSandbox(template, async (box) => {
      copyConfig(template, box);
      return traceCalls(command, [box.dir], { env: box.env, cwd: box.root, stdin: '' });
    });
    assert.ok(calls.length > 20, `${calls.length} calls`);
    const points = sample(changing(calls), 12);
    const failures = await mapLimit(points, 2, (call) =>
      inSandbox(template, async (box) => {
        copyConfig(template, box);
        await strace(command, { env: box.env, cwd: box.root, stdin: '', arguments: killBefore(call) });
        const again = await ledger(box, ['gate', '--est', '0.10', '--run-id', 'r']);
        const third = await ledger(box, ['gate', '--est', '0.10', '--run-id', 'r']);
        const verdict = await ledger(box, ['verify', '-q']);
        const wrong = [...overspent(rowsOf(box), caps)];
        if (again.status > 1 || third.status !== 1)
          wrong.push(`exits ${again.status}, ${third.status}: ${again.stderr}`);
        if (verdict.status !== 0) wrong.push(verdict.stdout);
        return wrong.map((text) => `${call.text}: ${text}`);
      }),
    );
    t.diagnostic(`${points.length} of ${calls.length} calls`);
    assert.deepEqual(failures.flat(), []);
  },
);

function copyConfig(from: Sandbox, to: Sandbox): void {
  copyFileSync(join(from.root, 'ledger.config.json'), join(to.root, 'ledger.config.json'));
}

test('a crossed threshold is one row and one call, however many ask at once', async (t) => {
  const box = await budgeted(t, [{ usd: '1.00', per: 'day' }]);
  assert.equal((await ledger(box, ['append', '--action', 'a.b', '--cost-usd', '0.9'])).status, 0);
  const heard = join(box.root, 'heard');
  const ask = ['caps', '-q', '--notify', `cat >> '${heard}'`];
  const ended = await Promise.all(Array.from({ length: 6 }, () => ledger(box, ask)));
  for (const { status, stderr } of ended) assert.equal(status, 0, stderr);
  const parts = (rows: readonly StoredRow[]): unknown[] => rows.map((row) => row.payload?.['threshold']);
  assert.deepEqual(parts(rowsOf(box).filter((row) => row['action'] === 'spend.threshold')), [0.5, 0.8]);
  const lines = readFileSync(heard, 'utf8').trimEnd().split('\n');
  assert.deepEqual(lines.map((line) => (JSON.parse(line) as StoredRow)['threshold']).sort(), [0.5, 0.8]);
});

const bulk = (count: number, runOf: (i: number) => string, usd: string): string =>
  Array.from({ length: count }, (_, i) => `{"action":"a.b","run_id":"${runOf(i)}","cost_usd":${usd}}\n`).join('');

async function pipe(box: Sandbox, rows: string, ...more: string[]): Promise<number> {
  const command = ledgerCommand('append', '-q', ...more, '-');
  return (await run(command, { env: box.env, cwd: box.root, stdin: rows, timeoutMs: 120_000 })).status;
}

test('a cap per run holds among more runs than are remembered', async (t) => {
  const box = await budgeted(t, [{ usd: '0.5', per: 'run' }]);
  const ask = async (id: string, usd: string): Promise<number> =>
    (await ledger(box, ['gate', '-q', '--est', usd, '--run-id', id])).status;
  assert.equal(
    await pipe(
      box,
      bulk(1, () => 'first', '0.5'),
    ),
    0,
  );
  assert.equal(await ask('first', '0.1'), 1);
  assert.equal(
    await pipe(
      box,
      bulk(1200, (i) => `r${i}`, '0.5'),
    ),
    0,
  );
  for (const id of ['first', 'r0', 'r600', 'r1199', 'first']) assert.equal(await ask(id, '0.1'), 1, id);
  assert.equal(await ask('new', '0.5'), 0);
  // All at once in one group, each against what it has spent.
  assert.equal(
    await pipe(
      box,
      bulk(1200, (i) => `r${i}`, '0.1'),
      '--enforce',
    ),
    1,
  );
  const rows = rowsOf(box);
  assert.equal(rows.filter((row) => row['action'] === 'a.b').length, 1201);
});

test('a clock that went ahead and back opens no cap', { skip: missingTools('faketime') }, async (t) => {
  const caps: Cap[] = [
    { usd: '4', per: 'rolling_24h' },
    { usd: '1', per: 'run' },
  ];
  const box = await budgeted(t, caps);
  const at = async (shift: string, ...args: string[]): Promise<number> =>
    (await run(['faketime', '-f', shift, ...ledgerCommand(...args)], { env: box.env, cwd: box.root, stdin: '' }))
      .status;
  assert.equal(await at('+0d', 'append', '-q', '--action', 'a.b', '--cost-usd', '3.2'), 0);
  assert.equal(await at('+0d', 'gate', '-q', '--est', '0.7', '--run-id', 'A', '--ttl', '24h'), 0);
  assert.equal(await at('+0d', 'gate', '-q', '--est', '0.4', '--run-id', 'A'), 1);
  rmSync(join(box.dir, 'audit.spend'), { force: true });
  assert.equal(await at('+3d', 'gate', '-q', '--est', '0.01', '--run-id', 'B'), 0);
  assert.equal(await at('+0d', 'gate', '-q', '--est', '0.2', '--run-id', 'C'), 1);
  assert.equal(await at('+0d', 'gate', '-q', '--est', '0.4', '--run-id', 'A'), 1);
});

test('who asks does not choose when the day begins', { skip: missingTools('faketime') }, async (t) => {
  const box = sandbox(t);
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify({ caps: [{ usd: '1', per: 'day' }] }));
  const now = new Date();
  const toHalfPastTwelve = 12 * 60 + 30 - (now.getUTCHours() * 60 + now.getUTCMinutes());
  const at = async (minutes: number, TZ: string, ...args: string[]): Promise<number> => {
    const command = ['faketime', '-f', `${minutes < 0 ? '' : '+'}${minutes}m`, ...ledgerCommand(...args)];
    return (await run(command, { env: { ...box.env, TZ }, cwd: box.root, stdin: '' })).status;
  };
  assert.equal(await at(toHalfPastTwelve, 'UTC', 'init'), 0);
  assert.equal(await at(toHalfPastTwelve, 'UTC', 'append', '-q', '--action', 'a.b', '--cost-usd', '1'), 0);
  // An hour later: where it is midnight at 13:00 UTC a new day has begun.
  for (const zone of ['UTC', 'Etc/GMT-11', 'Pacific/Kiritimati'])
    assert.equal(await at(toHalfPastTwelve + 65, zone, 'gate', '-q', '--est', '0.5'), 1, zone);
});

test('what a command prints is handed on whole to a slow reader, and its cost is found', async (t) => {
  const box = await budgeted(t, [{ usd: '5', per: 'day' }]);
  const program = 'for (let i = 0; i < 2500; i++) console.log("x".repeat(99)); console.log(JSON.stringify({ c: 0.1 }))';
  const gate = ledgerCommand('gate', '--est', '1', '--cost-from', 'json:/c', '--', process.execPath, '-e', program);
  const slow =
    'let n = 0; const s = process.stdin; s.on("readable", () => {}); const t = setInterval(() => { for (let i = 0; i < 2; i++) { const b = s.read(4096) ?? s.read(); if (b) n += b.length; } }, 60); s.on("end", () => { clearInterval(t); console.log(n); });';
  const shell = `${gate.map((word) => `'${word}'`).join(' ')} | '${process.execPath}' -e '${slow}'`;
  const { stdout, stderr } = await run(['sh', '-c', shell], {
    env: box.env,
    cwd: box.root,
    stdin: '',
    timeoutMs: 60_000,
  });
  assert.equal(stdout.trim(), String(2500 * 100 + 10), stderr);
  assert.equal(rowsOf(box).at(-1)?.['cost_usd'], 0.1);
});

test('a command that breaks the config, and one that settles itself, are recorded all the same', async (t) => {
  const box = await budgeted(t, [{ usd: '5', per: 'day' }]);
  const breaking = 'echo "{" > ledger.config.json';
  const first = await ledger(box, ['gate', '--est', '0.5', '--cost-usd', '0.4', '--', 'sh', '-c', breaking]);
  assert.equal(first.status, 0, first.stderr);
  assert.equal(rowsOf(box).at(-1)?.['cost_usd'], 0.4);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"caps":[{"usd":"5","per":"day"}]}');
  const id = (await ledger(box, ['gate', '--est', '0.5'])).stdout.trim();
  writeFileSync(join(box.root, 'ledger.config.json'), '{');
  assert.equal((await ledger(box, ['settle', id, '--cost-usd', '0.3'])).status, 0);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"caps":[{"usd":"5","per":"day"}]}');
  const itself = `${ledgerCommand('settle').join(' ')} "$LEDGER_RESERVATION" --cost-usd 0.2`;
  const own = await ledger(box, ['gate', '--est', '0.5', '--', 'sh', '-c', itself]);
  assert.equal(own.status, 0);
  assert.doesNotMatch(own.stderr, /error|warning/);
  assert.equal(rowsOf(box).at(-1)?.['cost_usd'], 0.2);
});
