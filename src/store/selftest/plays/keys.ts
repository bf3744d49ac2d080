/** Signatures of people and keys that sign for the ledger. Mallory has a key of their own, which nobody here trusts. */
import { randomBytes, sign } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { contentHashed, placedIn, rechained, rowAfter } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import { canonicalJson, toJson } from '../../../core/json';
import { sha256Hex } from '../../../core/digest';
import { blobOf, readPrivateKey, readPublicKey } from '../../../core/signing/keys';
import type { PrivateKey, PublicKey } from '../../../core/signing/keys';
import { rotationBytes, rotationPayload } from '../../../core/signing/rotation';
import type { Rotation } from '../../../core/signing/rotation';
import type { Plays, Scratch } from '../scratch';
import { takeOverApproval } from './origin';

const SIGNATURE = /,"signature":\{[^}]*\}/;
const SMALL_ORDER = Buffer.from(`01${'0'.repeat(62)}`, 'hex');

export const KEY_PLAYS = {
  'signature-stripped': (scratch) => changeApproval(scratch, (text) => text.replace(SIGNATURE, '')),
  'signed-row-changed': (scratch) =>
    changeApproval(scratch, (text) => contentHashed(text.replace('"intent":"approve"', '"intent":"reject"'))),
  'approval-of-ledger-x': takeOverApproval,
  'unknown-key': async (scratch) => {
    copyFileSync(scratch.path('ledger.config.json'), scratch.path('lax.json'));
    const lax = ['--config', 'lax.json'];
    await scratch.must(['key', 'trust', 'mallory', '--actor', 'mallory', '--role', 'release-manager', ...lax]);
    await scratch.must([...scratch.approvalBy('mallory'), ...lax]);
  },
  'rotation-forged': (scratch) => {
    const [old, own] = [publicKey(scratch, 'ops'), privateKey(scratch, 'mallory')];
    writeRotation(scratch, old, own, () => randomBytes(64));
  },
  'rotation-by-stranger': (scratch) => {
    const [old, own] = [privateKey(scratch, 'alice'), privateKey(scratch, 'mallory')];
    writeRotation(scratch, old.publicKey, own, (bytes) => sign(null, bytes, old.key));
  },
  'small-order-key': (scratch) => {
    const alice = publicKey(scratch, 'alice').bytes;
    const path = scratch.path('ledger.config.json');
    const [from, to] = [alice, SMALL_ORDER].map((bytes) => blobOf(bytes).toString('base64')) as [string, string];
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  },
} as const satisfies Plays;

function changeApproval(scratch: Scratch, change: (text: string) => string): void {
  scratch.writeLines(rechained(scratch.lines(), SEQ.approval, change));
}

function writeRotation(scratch: Scratch, old: PublicKey, own: PrivateKey, signAsOld: (bytes: Buffer) => Buffer): void {
  const lines = scratch.lines();
  const last = placedIn(lines.at(-1) as string);
  const { payload } = JSON.parse(lines[0] as string) as { readonly payload: { readonly ledger_id: string } };
  const rotation: Rotation = { old, new: own.publicKey, roles: ['bundle', 'checkpoint'], after: last };
  const bytes = rotationBytes(payload.ledger_id, rotation);
  const signed = { ...rotation, oldSignature: signAsOld(bytes), newSignature: sign(null, bytes, own.key) };
  const text = canonicalJson(toJson(rotationPayload(signed)));
  const members = `"action":"audit.key-rotation","payload":${text},"content_hash":"${sha256Hex(text)}"`;
  scratch.writeLines([...lines, rowAfter(lines.at(-1) as string, members)]);
}

const keyText = (scratch: Scratch, name: string): string =>
  readFileSync(scratch.homePath('config', 'ledger', 'keys', name), 'utf8');

/** Stolen, or the thief's own. */
export function privateKey(scratch: Scratch, name: string): PrivateKey {
  return readPrivateKey(keyText(scratch, name)) as PrivateKey;
}

function publicKey(scratch: Scratch, name: string): PublicKey {
  return readPublicKey(keyText(scratch, `${name}.pub`)) as PublicKey;
}
