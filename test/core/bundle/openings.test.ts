/** Sealed fields in a bundle: shown one by one, and each shown one is the one that was sealed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { signBundle } from '../../../src/core/bundle/build';
import type { Disclosure } from '../../../src/core/bundle/bundle';
import { checkEvidence } from '../../../src/core/bundle/check';
import { publicKeyOf } from '../../../src/core/bundle/keys';
import { sealedIn } from '../../../src/core/bundle/openings';
import { digestOf } from '../../../src/core/seal';
import { toJson } from '../../../src/core/json';
import type { Row } from '../../../src/core/members';
import { bundleOf, testKey } from '../../support/bundles';
import { chainOf } from '../../support/ledgers';

const KEY = testKey('b');
const RUN = { kind: 'run', id: 'r1' } as const;

function sealed(
  name: string,
  value: unknown,
): { readonly seal: object; readonly opening: Omit<Disclosure, 'seq' | 'field'> } {
  const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
  const digest = digestOf({ salt, name, value: toJson(value) });
  return { seal: { sealed: digest }, opening: { salt, name, value, digest } };
}

const EMAIL = sealed('payload.email', 'ann@example.org');
const NOTE = sealed('payload.steps[1].note', { b: 1, a: ['é'] });

async function checked(disclosed: readonly object[]): Promise<string[]> {
  const chain = chainOf();
  chain.add({
    action: 'a.b',
    run_id: 'r1',
    payload: { email: EMAIL.seal, steps: [1, { note: NOTE.seal }], open: 'x' },
  });
  const { contentHash: _digest, signature: _signature, ...content } = await bundleOf(chain, [RUN]);
  const bundle = await signBundle({ ...content, disclosed: disclosed as Disclosure[] }, KEY.signer);
  void [_digest, _signature];
  return checkEvidence({ bundle, layers: [], findings: [] }, [publicKeyOf(KEY.publicBytes)]).findings.map(({ code }) => code); // prettier-ignore
}

test('seals are found wherever they stand in a row, by the path of their field', () => {
  const row = { seq: 2, reason: EMAIL.seal, payload: { a: [{ b: NOTE.seal }], c: { sealed: 'x', more: 1 } } };
  assert.deepEqual(
    sealedIn(row as unknown as Row).map(({ field }) => field),
    ['reason', 'payload.a[0].b'],
  );
});

test('an opening opens its own seal, and no other', async () => {
  const email = { seq: 2, field: 'payload.email', ...EMAIL.opening };
  const note = { seq: 2, field: 'payload.steps[1].note', ...NOTE.opening };
  assert.deepEqual(await checked([email, note]), []);
  assert.deepEqual(await checked([{ ...email, value: 'bob@example.org' }]), ['CONTENT_ALTERED']);
  assert.deepEqual(await checked([{ ...email, digest: NOTE.opening.digest }]), ['CONTENT_ALTERED']);
  assert.deepEqual(await checked([{ ...email, field: 'payload.steps[1].note' }]), ['CONTENT_ALTERED']);
  assert.deepEqual(await checked([{ ...email, name: 'payload.other' }]), ['CONTENT_ALTERED']);
  assert.deepEqual(await checked([{ ...email, field: 'payload.open' }]), ['FOREIGN']);
  assert.deepEqual(await checked([{ ...email, seq: 3 }]), ['FOREIGN']);
});
