/**
 * Disks that do not take a row (cases 12, 18, 19): no space for one write, a file size limit, an error of the sync.
 * A row is landed, spilled, or printed whole with exit 2; what was acknowledged stays.
 */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { expectPrinted, statuses } from '../support/answers';
import { violations } from '../support/check';
import { LANES, mapLimit, missingTools, run } from '../support/process';
import { acknowledged, APPEND, inSandbox, markedRows, sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill, tear } from '../support/states';
import { allCalls, failing, firstStepMissing, injected, injectedCall, sample, strace } from '../support/strace';
import type { Call } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc', 'prlimit');
const NEW = ['new1', 'new2'];

const IN_LEDGER = /<[^>]*\/(?:audit|quarantine|index)[^>]*>/;

/** The n-th write to a file of the ledger set fails once: every n. */
async function writesOnce(t: TestContext, torn: boolean, error: string): Promise<void> {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const tail = torn ? tear(template, 'short') : undefined;
  const tracedWrites = async (): Promise<Call[]> => {
    const clean = await inSandbox(template, (box) => strace(APPEND, { env: box.env, stdin: markedRows(NEW) }));
    return allCalls(clean.trace).filter((call) => call.name === 'write' && IN_LEDGER.test(call.text));
  };
  const writes = await tracedWrites();
  assert.ok(writes.length > 0);
  const once = (call: Call): Promise<string[] | undefined> =>
    inSandbox(template, async (box) => {
      const options = { env: box.env, cwd: box.root, stdin: markedRows(NEW) };
      const traced = await strace(APPEND, { ...options, arguments: failing(['write'], error, String(call.nth)) });
      // Of what is no file of the ledger's, compiled code for one, a run may write more or less than the run before.
      if (injected(traced) === 0 || !IN_LEDGER.test(injectedCall(traced))) return undefined;
      assert.equal(injected(traced), 1, traced.trace);
      const lockNote = /audit\.lock/.test(call.text);
      const { ended } = traced;
      const wrong = ended.status === 0 ? [] : [`exit ${ended.status}: ${ended.stderr}`];
      if (!lockNote && !torn && statuses(ended) !== 'landed,landed') wrong.push(`answers: ${ended.stdout}`);
      wrong.push(
        ...(await recover(SHIPPED, box, {
          acked: [...before, ...acknowledged(NEW, ended.stdout)],
          tried: NEW,
          torn: tail,
        })),
      );
      return wrong.map((failure) => `${failure}\n    ${error} at ${call.text.replaceAll(/\/tmp\/[^/]*/g, '')}`);
    });
  const failures = await mapLimit(sample([...writes.keys()], 5), LANES, async (k) => {
    for (let [call, tries] = [writes[k], 1]; ; tries++) {
      const wrong = call && (await once(call));
      if (wrong !== undefined) return wrong;
      assert.ok(tries < 5, `write ${k + 1} of the ledger has another number each time`);
      call = (await tracedWrites())[k];
    }
  });
  assert.deepEqual(failures.flat(), []);
}

test('case 12: no space for one write, once: the retry lands the row, nothing is doubled', { skip }, (t) =>
  writesOnce(t, false, 'ENOSPC'),
);

test('case 12: no space for one write of a heal, once', { skip }, (t) => writesOnce(t, true, 'ENOSPC'));

test('case 12: a disk that fills up in the middle of the row', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const failures = await mapLimit([1, 100, 400], LANES, (bytes) =>
    inSandbox(template, async (box) => {
      const env = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'err', bytes }) };
      const ended = await run(APPEND, { env, cwd: box.root, stdin: markedRows(NEW) });
      assert.equal(statuses(ended), 'landed,landed', ended.stderr);
      return violations(box, { acknowledged: [...before, ...NEW] });
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('case 18: a file size limit inside the row: cut back, spilled, no death by SIGXFSZ', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 12);
  const size = statSync(template.ledger).size;
  const points = sample(
    Array.from({ length: 500 }, (_, i) => i + 1),
    4,
  );
  const failures = await mapLimit(points, LANES, (room) =>
    inSandbox(template, async (box) => {
      const command = ['prlimit', `--fsize=${size + room}`, ...APPEND];
      const ended = await run(command, { env: box.env, cwd: box.root, stdin: markedRows(NEW) });
      const wrong = ended.status === 0 ? [] : [`exit ${ended.status} ${ended.signal ?? ''}: ${ended.stderr}`];
      if (statuses(ended) !== 'spilled,spilled') wrong.push(`answers: ${ended.stdout}`);
      if (statSync(box.ledger).size !== size) wrong.push('the ledger was not cut back');
      wrong.push(
        ...(await recover(SHIPPED, box, { acked: [...before, ...acknowledged(NEW, ended.stdout)], tried: NEW })),
      );
      return wrong.map((failure) => `${failure}\n    room for ${room} bytes`);
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

/** One injected fault after the write: both rows land all the same, exactly once, in the steps given. */
async function landsAgain(t: TestContext, calls: string, fault: string, steps: readonly RegExp[]): Promise<void> {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const traced = await strace(APPEND, {
    env: box.env,
    stdin: markedRows(NEW),
    arguments: ['-e', `trace=${calls}`, '-P', box.ledger, '-e', `inject=${fault}`],
  });
  assert.equal(injected(traced), 1);
  assert.equal(statuses(traced.ended), 'landed,landed', traced.ended.stderr);
  assert.equal(firstStepMissing(allCalls(traced.trace), steps), undefined, 'cut, written again, synced again');
  assert.deepEqual(violations(box, { acknowledged: [...before, ...NEW] }), []);
}

test('case 19: the sync fails once: never simply repeated', { skip }, (t) =>
  landsAgain(t, 'write,ftruncate,fsync,fdatasync', 'fsync,fdatasync:error=EIO:when=1', [
    ...[/^write/, /^f(?:data)?sync.*INJECTED|^f(?:data)?sync/],
    ...[/^ftruncate/, /^write/, /^f(?:data)?sync/],
  ]),
);

test('case 19: the sync returns 0, but the file system stopped meanwhile: it has failed', { skip }, (t) =>
  landsAgain(t, 'write,ftruncate,fdatasync,utimensat', 'utimensat:error=EROFS:when=2', [
    ...[/^write/, /^fdatasync/, /^utimensat/, /^utimensat.*INJECTED/],
    ...[/^ftruncate/, /^write/, /^fdatasync/],
  ]),
);

test('case 19: a file system that stays stopped after a sync of 0: no row is acknowledged', { skip }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const stopped = await strace(APPEND, {
    env: box.env,
    stdin: markedRows(NEW),
    arguments: failing(['utimensat'], 'EIO', '1+'),
  });
  assert.ok(injected(stopped) >= 6, 'four tries at the ledger, and both spill places');
  assert.equal(stopped.ended.status, 2, stopped.ended.stderr);
  expectPrinted(stopped.ended, NEW);
  assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: NEW }), []);
});

test('case 19: a file whose times may not be set (chattr +a) takes rows all the same', { skip }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const refused = failing(['utimensat'], 'EPERM', '1+', [box.ledger]);
  const traced = await strace(APPEND, { env: box.env, stdin: markedRows(NEW), arguments: refused });
  assert.ok(injected(traced) > 0);
  assert.equal(statuses(traced.ended), 'landed,landed', traced.ended.stderr);
  assert.deepEqual(violations(box, { acknowledged: [...before, ...NEW] }), []);
});

test('case 19: the sync fails for ever: spilled; on every file: exit 2 and the row on stderr', { skip }, async (t) => {
  const one = sandbox(t);
  const before = await fill(one, 3);
  const ledgerOnly = failing(['fsync', 'fdatasync'], 'EIO', '1+', [one.ledger]);
  const spilled = await strace(APPEND, { env: one.env, stdin: markedRows(NEW), arguments: ledgerOnly });
  assert.ok(injected(spilled) >= 4, 'the first try and three more');
  assert.equal(statuses(spilled.ended), 'spilled,spilled', spilled.ended.stderr);
  assert.deepEqual(await recover(SHIPPED, one, { acked: [...before, ...NEW], tried: [] }), []);

  const all = sandbox(t);
  await fill(all, 3);
  const everywhere = failing(['fsync', 'fdatasync'], 'EIO', '1+');
  const nowhere = await strace(APPEND, { env: all.env, stdin: markedRows(NEW), arguments: everywhere });
  assert.equal(nowhere.ended.status, 2, nowhere.ended.stderr);
  expectPrinted(nowhere.ended, NEW);
  assert.deepEqual(await recover(SHIPPED, all, { acked: before, tried: NEW }), []);
});
