/** What can be done to the bundle of a run in a ledger of eight rows, by whoever has no key. */
import type { BundleJson } from '../../src/core/bundle/read';

type Change = (bundle: BundleJson) => object;
const other = (inclusion: BundleJson['inclusion'], at: number, more: object): object => ({
  inclusion: inclusion.with(at, { ...inclusion[at]!, ...more }),
});

export const CHANGES: readonly (readonly [string, Change])[] = [
  ['nothing', () => ({})],
  ['an event', ({ events }) => ({ events: events.map((line) => line.replace('coder', 'codex')) })],
  ['the end of a line', ({ events }) => ({ events: events.with(1, (events[1] ?? '').replace(/"prev_hash":"./, '"prev_hash":"[')) })], // prettier-ignore
  ['a line that is no JSON', ({ events }) => ({ events: events.with(0, (events[0] ?? '').replace(',"agent"', '}"agent"')) })], // prettier-ignore
  ['a line with a space behind it', ({ events }) => ({ events: events.map((line) => `${line} `) })],
  ['a line that is another thing', ({ events }) => ({ events: events.with(1, '{"seq":2}') })],
  ['a line that is no object', ({ events }) => ({ events: events.with(1, '5') })],
  ['a row less', ({ events, inclusion }) => ({ events: events.slice(1), inclusion: inclusion.slice(1) })],
  ['a row twice', ({ events, inclusion }) => ({ events: [events[0], ...events], inclusion: [inclusion[0], ...inclusion] })], // prettier-ignore
  ['rows in another order', ({ events, inclusion }) => ({ events: events.toReversed(), inclusion: inclusion.toReversed() })], // prettier-ignore
  ['another stream', ({ streams }) => ({ streams: streams.map((one) => ({ ...one, id: 'r2' })) })],
  ['another count', ({ streams }) => ({ streams: streams.map((one) => ({ ...one, rows: 5 })) })],
  ['another state', ({ streams }) => ({ streams: streams.map((one) => ({ ...one, state: 'open' })) })],
  ['no stream', () => ({ streams: [] })],
  ['a hash of a proof', ({ inclusion }) => other(inclusion, 1, { hashes: (inclusion[1]?.hashes ?? []).with(0, Buffer.alloc(32).toString('base64')) })], // prettier-ignore
  ['a hash more', ({ inclusion }) => other(inclusion, 1, { hashes: [...(inclusion[1]?.hashes ?? []), Buffer.alloc(32).toString('base64')] })], // prettier-ignore
  ['a hash less', ({ inclusion }) => other(inclusion, 1, { hashes: inclusion[1]?.hashes.slice(1) })],
  [
    'a hash that is none',
    ({ inclusion }) => other(inclusion, 1, { hashes: (inclusion[1]?.hashes ?? []).with(0, 'x') }),
  ],
  ['a hash in another spelling', ({ inclusion }) => other(inclusion, 1, { hashes: (inclusion[1]?.hashes ?? []).map((hash) => hash.replace(/.=$/, (two) => `${two === 'A=' ? 'B' : String.fromCharCode(two.charCodeAt(0) + 1)}=`)) })], // prettier-ignore
  ['a hash without its end', ({ inclusion }) => other(inclusion, 1, { hashes: (inclusion[1]?.hashes ?? []).map((hash) => hash.slice(0, -1)) })], // prettier-ignore
  ['another index', ({ inclusion }) => other(inclusion, 0, { index: 3 })],
  ['another tree size', ({ checkpoint: note }) => ({ checkpoint: note.replace('\n8\n', '\n9\n') })],
  ['no tree head', () => ({ checkpoint: 'trust me\n' })],
  ['another ledger', ({ ledger: of }) => ({ ledger: { ...of, origin: 'elsewhere' } })],
  ['a verdict', () => ({ policyVerdicts: [2] })],
  ['a version', () => ({ version: 2 })],
  ['a member more', () => ({ more: 1 })],
  [
    'an opening',
    () => ({ disclosed: [{ seq: 2, field: 'agent', salt: 'x', name: 'agent', value: 'y', digest: 'z' }] }),
  ],
  ['a digest', () => ({ contentHash: `sha256:${'0'.repeat(64)}` })],
  ['a signature', ({ signature }) => ({ signature: { ...signature, value: signature.value.replace(/^../, (two) => (two === '00' ? '01' : '00')) } })], // prettier-ignore
  ['who signed', ({ signature }) => ({ signature: { ...signature, keyId: 'SHA256:x' } })],
  ['how it is signed', ({ signature }) => ({ signature: { ...signature, alg: 'hmac-sha256' } })],
  ['a signature that is none', () => ({ signature: null })],
];
