/** Rows are held against the catalogues wherever they come in, and against the catalogues as they are now. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError } from '../../src/core/errors';
import { toJson } from '../../src/core/json';
import { Catalogues } from '../../src/store/catalogue/catalogues';
import { compileCatalogue } from '../../src/store/catalogue/compileCatalogue';
import { isCatalogue, readCatalogue, withHelpers } from '../../src/store/catalogue/ownCatalogues';
import { KeptPlace, locate } from '../../src/store/ledger/locate';

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'catalogues-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function cataloguesOf(root: string, config: object): Catalogues {
  writeFileSync(join(root, 'ledger.config.json'), JSON.stringify(config));
  return new Catalogues(locate({ dir: join(root, 'state'), configPath: undefined, env: {} }));
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof LedgerError);
    return error.code;
  }
  return 'none';
}

const nowMs = Date.UTC(2026, 5, 1);
const ours = { title: 'ours', $defs: { 'deploy.done': { required: ['payload'] } } };

test('a catalogue that is edited is another one to a place that was kept', (t) => {
  const root = folder(t);
  const path = join(root, 'ours.json');
  writeFileSync(path, JSON.stringify(ours));
  writeFileSync(join(root, 'ledger.config.json'), '{"catalogues":["ours.json"]}');
  const kept = new KeptPlace();
  const place = { dir: root, configPath: join(root, 'ledger.config.json'), env: {} };
  const first = kept.locate(place);
  assert.equal(kept.locate(place), first);
  writeFileSync(path, JSON.stringify({ ...ours, description: 'another' }));
  const second = kept.locate(place);
  assert.notEqual(second, first);
  assert.equal(kept.locate(place), second);
});

test('what a hash would make unappendable stays: rows of a decision and of a proof in hash mode', (t) => {
  const catalogues = cataloguesOf(folder(t), { omissions: { decision: 'hash', proof: 'hash' } });
  const rows = [
    { action: 'approval.added', decision_id: 'd1', payload: { actor: 'ann@acme.example', intent: 'approve', role: 'sre', method: 'sso', signature_ref: 's/1' } },
    { action: 'decision.executed', decision_id: 'd1', payload: { executor: 'deploy-bot 3.12', outcome: 'success', external_refs: [] } },
    { action: 'proof.order', order_id: 'o1', customer_id: 'c1', payload: { amount_usd: '49.00', status: 'paid' } },
  ]; // prettier-ignore
  for (const row of rows) assert.equal(codeOf(() => catalogues.checked(toJson(row), { nowMs })), 'none', row.action); // prettier-ignore
});

test('the omissions name catalogues that there are, those of the settings among them', (t) => {
  const root = folder(t);
  writeFileSync(join(root, 'ours.json'), JSON.stringify(ours));
  assert.equal(codeOf(() => cataloguesOf(root, { omissions: { decison: 'refuse' } })), 'CONFIG_INVALID'); // prettier-ignore
  assert.equal(codeOf(() => cataloguesOf(root, { omissions: { ours: 'refuse' } })), 'CONFIG_INVALID'); // prettier-ignore
  const catalogues = cataloguesOf(root, { catalogues: ['ours.json'], omissions: { ours: 'refuse' } });
  const row = toJson({ action: 'deploy.done', payload: { thinking: 'x' } });
  assert.equal(codeOf(() => catalogues.checked(row, { nowMs })), 'OMITTED'); // prettier-ignore
});

test('a row that tells of what cannot be undone has a hash where another is refused', (t) => {
  const catalogues = cataloguesOf(folder(t), { omissions: { plain: 'refuse' } });
  const row = new Map([['action', 'step.done'], ['thinking', 'x']]); // prettier-ignore
  assert.equal(codeOf(() => catalogues.cleaned(row)), 'OMITTED'); // prettier-ignore
  assert.ok(catalogues.cleaned(row, undefined, true).get('thinking') instanceof Map);
});

test('a payload that is missing lacks each of its fields', (t) => {
  const catalogues = cataloguesOf(folder(t), {});
  const faults = catalogues.faults('policy.gate', { action: 'policy.gate', decision_id: 'd1', reason: 'r' });
  assert.deepEqual(faults?.map(({ path }) => path).sort(), ['payload.gate_id', 'payload.result']);
});

test('schemas that actions refer to are no actions, and are shown with them', (t) => {
  const path = join(folder(t), 'ours.json');
  const sha = { pattern: '^[0-9a-f]{7}$' };
  const done = { properties: { action: { const: 'deploy.done' }, sha: { $ref: '#/$defs/Sha 1' } } };
  writeFileSync(path, JSON.stringify({ $defs: { 'deploy.done': done, 'Sha 1': { $ref: '#/$defs/hex' }, hex: sha, unused: {} } }));
  const { types } = readCatalogue(path);
  assert.deepEqual([...types.keys()], ['deploy.done']);
  const type = types.get('deploy.done');
  assert.ok(type);
  assert.deepEqual(Object.keys(withHelpers(type).$defs ?? {}), ['Sha 1', 'hex']);
  assert.equal(type.validate({ action: 'deploy.done', sha: 'zzz' }), false);
}); // prettier-ignore

test('a catalogue is a document with schemas; one row is none', (t) => {
  const path = join(folder(t), 'x.json');
  for (const [text, expected] of [['{"a":1}', false], ['{"$defs":{}}', true], ['{"$schema":"x"}', true], ['[]', false], ['no', false]] as const) {
    writeFileSync(path, text);
    assert.equal(isCatalogue(path), expected, text);
  }
}); // prettier-ignore

test('what every object inherits is no field of a row', () => {
  const validate = compileCatalogue({ $defs: { a: { type: 'object', required: ['constructor'] } } }).get('a');
  assert.equal(validate?.({}), false);
  assert.equal(validate?.({ constructor: 1 }), true);
});

test('an amount is one in either spelling, or none in both', (t) => {
  const catalogues = cataloguesOf(folder(t), {});
  for (const amount of [1_000_000, '1000000.00', -1_000_000]) {
    const row = { action: 'proof.order', order_id: 'o', customer_id: 'c', payload: { amount_usd: amount, status: 'paid' } };
    assert.equal(catalogues.faults('proof.order', row)?.[0]?.path, 'payload.amount_usd', String(amount));
  }
}); // prettier-ignore
