/** Who may read what: the settings, the roles, what a summary is, and the row that tells of a read. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { accessRow } from '../../src/core/access';
import { isAccessRow } from '../../src/core/accessActions';
import { roleOf } from '../../src/core/accessSettings';
import type { Person } from '../../src/core/accessSettings';
import { parseConfig } from '../../src/core/config';
import { LedgerError } from '../../src/core/errors';
import { membersAsked } from '../../src/core/query/asked';
import { checkRow } from '../../src/core/row';
import { summaryLine, summaryOf } from '../../src/core/summary';
import { chainOf } from '../support/ledgers';

const refused = (text: string): LedgerError => {
  try {
    parseConfig(text, 'c');
  } catch (error) {
    assert.ok(error instanceof LedgerError && error.code === 'CONFIG_INVALID');
    return error;
  }
  return assert.fail(`taken: ${text}`);
};

test('the settings of access: none, open, break-glass, with readers', () => {
  assert.equal(parseConfig('{}', 'c').access, undefined);
  assert.deepEqual(parseConfig('{"access":{}}', 'c').access, { raw: 'open', readers: undefined });
  const config = parseConfig(
    '{"access":{"raw":"break-glass","readers":["auditor"]},"roles":{"auditor":{"users":["alice"],"groups":["audit"]},"ops":{"groups":["wheel"]}}}',
    'c',
  );
  assert.deepEqual(config.access, { raw: 'break-glass', readers: ['auditor'] });
  assert.deepEqual([...config.roles], [
    ['auditor', { users: ['alice'], groups: ['audit'] }],
    ['ops', { users: [], groups: ['wheel'] }],
  ]); // prettier-ignore
});

test('a setting of access that would keep nobody out, or let nobody in, is an error that names it', () => {
  for (const [text, message, hint] of [
    ['{"access":{"raw":"closed"}}', /access\.raw/, undefined],
    ['{"access":{"rwa":"open"}}', /member of access, found "rwa"/, /"raw"/],
    ['{"access":"break-glass"}', /access to be an object/, undefined],
    ['{"access":{"raw":"break-glass","readers":"auditor"}}', /access\.readers to be a list of roles/, undefined],
    ['{"access":{"readers":["auditor"]},"roles":{"auditor":{"users":["a"]}}}', /beside access\.readers/, /keep nobody out/],
    ['{"access":{"raw":"break-glass","readers":["auditer"]},"roles":{"auditor":{"users":["a"]}}}', /"auditer"/, /did you mean "auditor"/],
    ['{"access":{"raw":"break-glass","readers":["auditor"]}}', /"auditor"/, /"roles": \{"auditor"/],
    ['{"roles":{"auditor":{}}}', /nobody has this role/, undefined],
    ['{"roles":{"auditor":{"users":[]}}}', /nobody has this role/, undefined],
    ['{"roles":{"auditor":{"user":["a"]}}}', /roles\.auditor, found "user"/, /"users"/],
    ['{"roles":{"auditor":{"users":[""]}}}', /roles\.auditor\.users\[0\]/, undefined],
  ] as const) {
    const error = refused(text);
    assert.match(error.message, message, text);
    if (hint !== undefined) assert.match(error.hint ?? '', hint, text);
  } // prettier-ignore
});

test('a role is had by an account or by a group; groups are asked for only where a role names some', () => {
  const { roles } = parseConfig(
    '{"roles":{"auditor":{"users":["alice"]},"ops":{"users":["bob"],"groups":["wheel","adm"]}}}',
    'c',
  );
  const silent = (user: string): Person => ({ user, groups: () => assert.fail('asked for groups') });
  const member = (user: string, ...groups: string[]): Person => ({ user, groups: () => groups });
  assert.equal(roleOf(silent('alice'), ['auditor', 'ops'], roles), 'auditor');
  assert.equal(roleOf(silent('bob'), ['auditor'], roles), undefined);
  assert.equal(roleOf(silent('bob'), ['auditor', 'ops'], roles), 'ops');
  assert.equal(roleOf(member('carol', 'users', 'adm'), ['auditor', 'ops'], roles), 'ops');
  assert.equal(roleOf(member('carol', 'users'), ['auditor', 'ops'], roles), undefined);
  assert.equal(roleOf(member('adm'), ['ops'], roles), undefined, 'a name is no group');
  assert.equal(roleOf(member('alice', 'wheel'), ['nobody-has-it'], roles), undefined);
});

test('a summary has the members that the format names, in their order, and says what it leaves out', () => {
  const line = chainOf().add({
    action: 'a.b', agent: 'x', run_id: 'r', reason: 'why', cost_usd: 0.1, payload: { iban: 'DE44', n: [1] }, note: 'secret', left_out: 'mine',
  }); // prettier-ignore
  const row = JSON.parse(line) as Record<string, unknown>;
  const summary = JSON.parse(summaryLine(Buffer.from(line)).toString('utf8')) as Record<string, unknown>;
  const { payload, note, left_out: own, nonce, ...kept } = row;
  assert.deepEqual([note, own, typeof nonce], ['secret', 'mine', 'string']);
  const leftOut = { payload: { members: 2, bytes: JSON.stringify(payload).length }, members: 2 };
  assert.deepEqual(summary, { summary: true, ...kept, left_out: leftOut });
  assert.deepEqual(Object.keys(summary), ['summary', ...Object.keys(kept), 'left_out']);
  assert.equal(kept['content_hash'], row['content_hash']);
});

test('what stands in a row that somebody made by hand does not come through a known name', () => {
  const summary = summaryOf({
    action: 'a.b',
    agent: { secret: 1 },
    target: ['secret'],
    imported_from: { x: 1 },
    signature: { value: 's' },
  });
  assert.deepEqual(summary, { summary: true, action: 'a.b', left_out: { members: 4 } });
  assert.deepEqual(summaryOf({ seq: 2, action: 'audit.tombstone', last_seq: 4, heal_id: 'h' }), {
    summary: true, seq: 2, action: 'audit.tombstone', last_seq: 4, heal_id: 'h',
  }); // prettier-ignore
  assert.deepEqual(summaryLine(Buffer.from('{"torn')).toString(), '{"summary":true}');
});

test('every member that a question looks into is known before anything is read', async () => {
  const asked = (question: Parameters<typeof membersAsked>[0]): Promise<string[]> =>
    membersAsked(question).then((members) => [...members].sort());
  assert.deepEqual(await asked({}), []);
  assert.deepEqual(await asked({ terms: ['agent=a', 'payload.x!~y', 'note='] }), ['agent', 'note', 'payload']);
  assert.deepEqual(await asked({ fields: ['ts', 'payload.band'] }), ['payload', 'ts']);
  for (const where of [
    'payload.x == 1',
    'row["payload"].x == 1',
    'row.payload["x"] == 1',
    '!has(payload.x)',
    'agent == "a" || (1 < 2 && contains(lower(payload.x), "y"))',
    'matches(payload.x, "y")',
    '-payload.x > 0',
    'agent in ["a", payload.x]',
  ])
    assert.ok((await asked({ where })).includes('payload'), where);
  await assert.rejects(membersAsked({ where: 'payload.x = 1' }), /an expression/);
});

test('the row of a read is one that can be appended; its target names no value that a summary leaves out', () => {
  const who = { actor: 'ann', account: 'alice', role: 'auditor' };
  const what = { command: 'query', terms: ['agent=coder', 'payload.iban=DE44', 'note~secret'], where: 'note == "x"' } as const;
  const row = accessRow({ ...who, what, outcome: 'allowed', reason: 'T-1' });
  assert.equal(row.get('target'), 'query agent=coder payload=… note~… --where …');
  assert.deepEqual([row.get('run_id'), row.get('actor'), row.get('role'), row.get('reason')], ['access', 'ann', 'auditor', 'T-1']);
  const { members } = checkRow(row, { nowMs: 0 });
  assert.match(members, /"payload":\{"command":"query","account":"alice","conditions":\["agent=coder","payload\.iban=DE44"/);
  assert.ok(isAccessRow({ run_id: 'access', action: 'access.read' }));
  assert.ok(!isAccessRow({ run_id: 'access', action: 'run_started' }));
  const long = accessRow({ ...who, what: { command: 'query', terms: [`agent=${'x'.repeat(10_000)}`] }, outcome: 'allowed', reason: 'r' });
  assert.match(JSON.stringify(long.get('target')), /^"query agent=x{188}…"$/);
}); // prettier-ignore
