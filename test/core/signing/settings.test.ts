/** Which setting says what signs for the ledger. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signersOf } from '../../../src/core/signing/settings';

test('one setting stands for checkpoints and bundles where the other says nothing; no secret signs for everybody', () => {
  const said = (signer: string | undefined, key?: string): string =>
    signersOf({ signer, checkpoints: key === undefined ? undefined : { key } })
      .map(({ what, word, at }) => `${what} ${word} ${at.join('.')}`)
      .join(', ');
  assert.equal(said(undefined), '');
  assert.equal(said('ops'), 'checkpoints ops signer, bundles ops signer');
  assert.equal(said(undefined, 'ops'), 'checkpoints ops checkpoints.key, bundles ops checkpoints.key');
  assert.equal(said('ed', 'ops'), 'checkpoints ops checkpoints.key, bundles ed signer');
  assert.equal(said('hmac:f'), 'bundles hmac:f signer');
});
