/**
 * A bundle in other people's wrapping: an in-toto statement about it in a DSSE envelope, as tools for software supply
 * chains exchange and store them. The statement's subject is the content of the bundle, its predicate the bundle itself.
 *
 *   {"payloadType":"application/vnd.in-toto+json","payload":"<base64>","signatures":[{"keyid":"SHA256:…","sig":"<base64>"}]}
 */
import { isUtf8 } from 'node:buffer';
import { base64Bytes } from '../note/note';
import type { Signer } from '../signing/signer';
import { bundleJson } from './bundle';
import type { Bundle } from './bundle';
import type { Evidence, EvidenceReading } from './evidence';
import { noEvidence } from './evidence';
import { bundleIn, strictJson } from './read';
import { faultIn, isOneOf, NAME } from './shape';
import type { Shape } from './shape';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'urn:ledger:evidence-bundle:1';

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

export async function envelopeOf(bundle: Bundle, signer: Signer): Promise<Envelope> {
  const payload = Buffer.from(statementText(bundle));
  const sig = (await signer.sign(authenticated(payload))).toString('base64');
  return { payloadType: PAYLOAD_TYPE, payload: payload.toString('base64'), signatures: [{ keyid: signer.keyId, sig }] };
}

function statementText(bundle: Bundle): string {
  const about = { _type: STATEMENT_TYPE, subject: [subjectOf(bundle)], predicateType: PREDICATE_TYPE };
  return `${JSON.stringify(about).slice(0, -1)},"predicate":${bundleJson(bundle)}}`;
}

function subjectOf({ workflowId, ledger, contentHash }: Bundle): object {
  return { name: `${ledger.origin}/${workflowId}`, digest: { sha256: contentHash.replace('sha256:', '') } };
}

/** What is signed: DSSE's pre-authentication encoding. */
function authenticated(payload: Buffer): Buffer {
  const start = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(start), payload]);
}

const ENVELOPE: Shape = {
  members: {
    payloadType: isOneOf([PAYLOAD_TYPE]),
    payload: NAME,
    signatures: { each: { members: { keyid: NAME, sig: NAME } } },
  },
};

const STATEMENT: Shape = {
  members: {
    _type: isOneOf([STATEMENT_TYPE]),
    subject: { each: { members: { name: NAME, digest: { members: { sha256: NAME } } } } },
    predicateType: isOneOf([PREDICATE_TYPE]),
    predicate: { is: () => true, want: 'a bundle' },
  },
};

export function isEnvelope(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'payloadType' in value;
}

/** @param value as `strictJson` gave it */
export function evidenceInEnvelope(value: unknown): EvidenceReading {
  const fault = faultIn(value, ENVELOPE);
  if (fault !== undefined) return noEvidence(fault.want, fault.got);
  const { payload, signatures } = value as Envelope;
  const [first, ...others] = signatures;
  const [bytes, signature] = [base64Bytes(payload), base64Bytes(first?.sig ?? '')];
  if (bytes === undefined || signature === undefined || first === undefined || others.length > 0)
    return noEvidence('a payload and one signature, in base64', 'another spelling, or another number');
  if (!isUtf8(bytes)) return noEvidence('a statement in UTF-8', 'other bytes');
  const statement = strictJson(bytes.toString('utf8'));
  const other = faultIn(statement, STATEMENT);
  if (other !== undefined) return noEvidence(`a statement with ${other.want}`, other.got);
  const reading = bundleIn((statement as { readonly predicate: unknown }).predicate);
  if (reading.kind === 'none') return reading;
  // Whatever else the statement says was written by nobody of ours.
  if (JSON.stringify(statement) !== statementText(reading.bundle))
    return noEvidence('a statement about the bundle in it', 'another one');
  return {
    kind: 'evidence',
    evidence: enveloped(reading.bundle, authenticated(bytes), { keyId: first.keyid, value: signature }),
  };
}

function enveloped(bundle: Bundle, bytes: Buffer, by: { readonly keyId: string; readonly value: Buffer }): Evidence {
  const signature = { alg: bundle.signature.alg, keyId: by.keyId, value: by.value.toString('hex') };
  return { bundle, layers: [{ bytes, signature }], findings: [] };
}
