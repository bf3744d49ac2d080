/** Until where, by whom and since when a ledger is anchored: from what is there, and from what its rows say. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { AnchorRecord } from '../../../src/core/anchor/anchorRow';
import type { KnownTree } from '../../../src/core/anchor/heads';
import { judgeAnchors } from '../../../src/core/anchor/judge';
import type { AnchorLook } from '../../../src/core/anchor/judge';
import { ToldAnchors } from '../../../src/core/anchor/told';
import { signedNote, testKey } from '../../support/heads';

const key = testKey('local/x');
const rootOf = (size: number): Buffer => Buffer.alloc(32, size);
const tree: KnownTree = { size: 20, rootAt: rootOf };

function told(...records: readonly Partial<AnchorRecord>[]): ToldAnchors {
  const all = new ToldAnchors();
  for (const [i, { size = 5, ...more }] of records.entries()) {
    const root = rootOf(size).toString('base64');
    const ts = `2026-01-0${i + 1}T00:00:00.000Z`;
    all.add({ seq: size + 1, ts, size, root, to: 'file:/a', outcome: 'ok', witnesses: [], why: '', ...more });
  }
  return all;
}

function look(to: string, size: number, root = rootOf(size), by?: string): AnchorLook {
  const head = { origin: 'local/x', size, root };
  return { to, found: { kind: 'head', held: { head, note: signedNote(head, key) }, ...(by !== undefined && { by }) } };
}

const judge = (looks: readonly AnchorLook[], rows: ToldAnchors, named: readonly string[] = []) =>
  judgeAnchors({ named, looks, told: rows, tree, origin: 'local/x', signers: [key.note.publicKey] });

test('since is when a row first said so; the last of several counts', () => {
  const rows = told({ size: 5 }, { size: 9 }, { size: 9 }, { size: 9, outcome: 'failed', why: 'EIO' });
  const { anchors, anchored_until: until, unanchored_rows: rest } = judge([look('file:/a', 9)], rows);
  const [{ state, since, why } = {} as never] = anchors;
  assert.deepEqual([state, since, until, rest], ['held', '2026-01-02T00:00:00.000Z', 9, 11]);
  assert.match(why ?? '', /could not be put there \(row 10: EIO\)/);
});

test('rows that lie are found out, or not believed', () => {
  const wrong = judge([], told({ size: 5, root: rootOf(6).toString('base64') }));
  assert.deepEqual(
    [wrong.anchors[0]?.state, wrong.findings[0]?.code, wrong.findings[0]?.seq],
    ['contradicts', 'DIVERGED', 6],
  );
  // Of rows behind itself no row can know.
  assert.deepEqual(judge([], told({ size: 19, seq: 7 })).anchors, []);
  // What only they say counts for nothing.
  assert.equal(judge([], told({ size: 5 })).anchored_until, null);
  const joke = new ToldAnchors();
  for (let i = 0; i < 5_000; i++) joke.add({ seq: 9, ts: '', size: 5, root: '', to: `file:/${i}`, outcome: 'ok', witnesses: [], why: '' }); // prettier-ignore
  assert.equal(joke.names.length, 1_000);
});

test('each witness is told under the address that it is asked at', () => {
  const rows = told(
    { to: 'witness:https://one/', witnesses: ['w1'] },
    { to: 'witness:https://two/', witnesses: ['w2', 'w3'] },
  );
  const looks = [look('witness:w1', 5), look('witness:w2', 5), look('witness:w3', 9), look('witness:w4', 9)];
  const { anchors } = judge(looks, rows, ['witness:https://one/', 'witness:https://two/', 'witness:https://three/']);
  assert.deepEqual(
    anchors.map(({ to, state, size }) => [to, state, size]),
    [
      ['witness:https://one/', 'held', 5],
      ['witness:https://two/', 'held', 9],
      ['witness:https://three/', 'missing', null],
      ['witness:w4', 'held', 9],
    ],
  );
});

test('a head that the ledger does not go on from is told, and the others count', () => {
  const looks = [look('file:/a', 40), look('file:/b', 7), look('file:/c', 7, rootOf(8))];
  const { findings, anchored_until: until } = judge(looks, told());
  assert.deepEqual(findings.map(({ code }) => code), ['ROLLBACK', 'DIVERGED']); // prettier-ignore
  assert.equal(until, 7);
});

test('nobody can tell without a tree', () => {
  const blind = { size: 20, rootAt: () => undefined };
  const { anchors, anchored_until: until } = judgeAnchors({ named: [], looks: [look('file:/a', 9)], told: told(), tree: blind, origin: 'local/x', signers: [] }); // prettier-ignore
  assert.deepEqual([anchors[0]?.state, until], ['not-checked', null]);
});
