/**
 * A bundle of run 1, changed by whoever it went through, or by whoever made it: that one has the key, and signs what was
 * changed. The auditor has the public key from elsewhere.
 */
import { sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { signedBytes } from '../../../core/bundle/bundle';
import type { BundleJson } from '../../../core/bundle/read';
import { rewritten } from '../../../core/attacks/forge';
import { sha256Hex } from '../../../core/digest';
import { canonicalJson, toJson } from '../../../core/json';
import { fingerprintOf } from '../../../core/signing/keys';
import type { Plays, Scratch } from '../scratch';
import { privateKey } from './keys';

type Change = (bundle: BundleJson) => object;

export const BUNDLE_PLAYS = {
  'bundle-row-edited': (scratch) => writeBundle(scratch, (bundle) => changeEvent(bundle, 1, edited)),
  'bundle-row-rehashed': (scratch) => signBundle(scratch, 'ops', (bundle) => changeEvent(bundle, 2, reOutcome)),
  'bundle-row-left-out': (scratch) => signBundle(scratch, 'ops', leaveOut),
  'bundle-end-left-out': (scratch) => signBundle(scratch, 'ops', (bundle) => takeRows(bundle, [0, 1])),
  'bundle-unsigned': (scratch) => writeBundle(scratch, (bundle) => ({ ...bundle, signature: undefined })),
  'bundle-key-swapped': (scratch) => signBundle(scratch, 'mallory', (bundle) => bundle),
  'bundle-key-claimed': (scratch) =>
    signBundle(scratch, 'mallory', (bundle) => bundle, fingerprintOf(privateKey(scratch, 'ops').publicKey)),
  'bundle-of-other-run': (scratch) =>
    signBundle(scratch, 'ops', (bundle) => ({
      ...bundle,
      workflowId: 'run-9',
      streams: bundle.streams.map((stream) => ({ ...stream, id: 'run-9' })),
    })),
  'bundle-of-ledger-x': (scratch) =>
    signBundle(scratch, 'ops', (bundle) => ({ ...bundle, ledger: { ...bundle.ledger, origin: 'bank.example/prod' } })),
  'bundle-downgraded': (scratch) => signBundle(scratch, 'ops', (bundle) => ({ ...bundle, version: 0 })),
} as const satisfies Plays;

const edited = (line: string): string => line.replace('0.0312', '0.0012');
const reOutcome = (line: string): string =>
  rewritten(line, (text) => text.replace('"outcome":"success"', '"outcome":"failure"'));

function changeEvent(bundle: BundleJson, at: number, change: (line: string) => string): BundleJson {
  return { ...bundle, events: bundle.events.map((line, i) => (i === at ? change(line) : line)) };
}

/** The row in the middle; the number of rows is made to fit. */
const leaveOut = (bundle: BundleJson): BundleJson => takeRows(bundle, [0, 2]);

function takeRows(bundle: BundleJson, indexes: readonly number[]): BundleJson {
  return {
    ...bundle,
    streams: bundle.streams.map((stream) => ({ ...stream, rows: indexes.length })),
    events: bundle.events.filter((_, i) => indexes.includes(i)),
    inclusion: bundle.inclusion.filter((_, i) => indexes.includes(i)),
  };
}

function writeBundle(scratch: Scratch, change: Change): void {
  const path = scratch.path('bundle.json');
  writeFileSync(path, `${JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as BundleJson))}\n`);
}

/** @param keyId as whose key it is shown; default: whose it is */
function signBundle(scratch: Scratch, name: string, change: Change, keyId?: string): void {
  const { key, publicKey } = privateKey(scratch, name);
  writeBundle(scratch, (bundle) => {
    const changed = change(bundle) as BundleJson;
    const content = { ...changed, contentHash: undefined, signature: undefined };
    const contentHash = `sha256:${sha256Hex(canonicalJson(toJson(JSON.parse(JSON.stringify(content)))))}`;
    const value = sign(null, signedBytes(contentHash), key).toString('hex');
    return { ...changed, contentHash, signature: { alg: 'ed25519', keyId: keyId ?? fingerprintOf(publicKey), value } };
  });
}
