/** Attacks on signatures and on the keys whose signatures count. */
import type { Attack } from './attack';

const KEYS = { family: 'keys', check: 'verify', exit: 1 } as const;
const WHO_TRUSTS =
  'whoever can write the config says who is trusted: an auditor brings a config of their own (--config)';

export const KEY_ATTACKS: readonly Attack[] = [
  {
    ...KEYS,
    name: 'signature-stripped',
    what: 'the signature is taken out of an approval, and all is chained again',
    layer: 'require_signature',
    code: 'SIGNATURE_MISSING',
    row: 17,
    left: `rows of actions that "require_signature" does not name; ${WHO_TRUSTS}`,
  },
  {
    ...KEYS,
    name: 'signed-row-changed',
    what: 'what a signed row says is changed, and all is chained again',
    layer: 'signature of person',
    code: 'SIGNATURE_INVALID',
    row: 17,
    left: 'whoever has stolen the key of that person',
  },
  {
    ...KEYS,
    name: 'approval-of-ledger-x',
    what: 'an approval that alice signed for another ledger is put into this one',
    layer: 'signature of person',
    code: 'SIGNATURE_INVALID',
    row: 19,
    left: 'nothing: what is signed names the ledger, the moment and the key of the row',
  },
  {
    ...KEYS,
    name: 'unknown-key',
    what: 'an approval is signed by a key that nobody here trusts',
    layer: 'trusted keys',
    code: 'UNKNOWN_KEY',
    row: 19,
    left: `it says that the key is not known, never that a row was changed; ${WHO_TRUSTS}`,
  },
  {
    ...KEYS,
    name: 'rotation-forged',
    what: 'mallory rotates the key of the ledger to one of their own, without the old key',
    layer: 'both keys sign',
    code: 'SIGNATURE_INVALID',
    row: 19,
    left: 'whoever has stolen the key that signs now may rotate: see docs/keys.md',
  },
  {
    ...KEYS,
    name: 'rotation-by-stranger',
    what: 'a key that may not sign for the ledger hands that on to another',
    layer: 'trusted keys',
    code: 'UNTRUSTED_KEY',
    row: 19,
    left: WHO_TRUSTS,
  },
  {
    ...KEYS,
    name: 'small-order-key',
    what: 'a trusted key is exchanged for a point of small order, for which signatures of anything can be made',
    layer: 'form of keys',
    code: 'CONFIG_INVALID',
    row: null,
    exit: 2,
    left: `nothing: such a key is no key, wherever it comes from. A sound key of mallory in its place is another matter: ${WHO_TRUSTS}`,
  },
];
