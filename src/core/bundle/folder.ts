/**
 * A bundle as a folder that is checked with `sha256sum` and `ssh-keygen`: the rows as they are stored, a line each; their
 * proofs; the checkpoint; all else in the manifest; and the digests of these files, signed.
 */
import { isUtf8 } from 'node:buffer';
import { sha256Hex } from '../digest';
import { LedgerError } from '../errors';
import { fingerprintOf, publicKeyLine } from '../signing/keys';
import type { KeySigner } from '../signing/signer';
import { readSshSignature, sshSignatureText, sshSignedBytes } from '../signing/sshsig';
import type { Bundle } from './bundle';
import { noEvidence } from './evidence';
import type { Evidence, EvidenceReading } from './evidence';
import { BundleFindings } from './finding';
import { proofText } from './inclusion';
import { bundleIn, strictJson } from './read';

export const NAMESPACE = 'ledger-bundle';
export const SUMS = 'SHA256SUMS';
export const SUMS_SIGNATURE = 'SHA256SUMS.sig';
/** What the bundle is read from. */
const PARTS = ['rows.jsonl', 'proofs.jsonl', 'checkpoint.txt', 'manifest.json'] as const;
const SUM = /^([0-9a-f]{64}) {2}([A-Za-z0-9._-]+)$/;

export type Files = ReadonlyMap<string, Buffer>;

/** The files of a folder, without what signs them. `more` are others that lie beside: they are signed, too. */
export function partsOf(bundle: Bundle, more: Readonly<Record<string, string>>): Map<string, Buffer> {
  const { events, inclusion, checkpoint, ...manifest } = bundle;
  const files: Record<string, string> = {
    'rows.jsonl': lines(events),
    'proofs.jsonl': lines(inclusion.map(proofText)),
    'checkpoint.txt': checkpoint,
    'manifest.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
    ...more,
  };
  return new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]));
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

/** Adds the digests, and their signature. */
export async function signed(parts: Files, signer: KeySigner): Promise<Map<string, Buffer>> {
  const sums = Buffer.from([...parts].map(([name, bytes]) => `${sha256Hex(bytes)}  ${name}\n`).join(''));
  const value = await signer.sign(sshSignedBytes(sums, NAMESPACE));
  const text = sshSignatureText({ publicBytes: signer.publicKey.bytes, namespace: NAMESPACE, value });
  return new Map([...parts, [SUMS, sums], [SUMS_SIGNATURE, Buffer.from(text)]]);
}

/** The line of the key that signs, for whoever has it from elsewhere to compare. */
export function signerLine({ publicKey }: KeySigner): string {
  return `${publicKeyLine(publicKey)}\n`;
}

/** @param files all that lie in the folder, by name */
export function evidenceInFolder(files: Files): EvidenceReading {
  const missing = [...PARTS, SUMS, SUMS_SIGNATURE].find((name) => !files.has(name));
  if (missing !== undefined) return noEvidence(`a file "${missing}" in the folder`, 'none');
  const odd = [...PARTS, SUMS, SUMS_SIGNATURE].find((name) => !isUtf8(files.get(name) as Buffer));
  if (odd !== undefined) return noEvidence(`text in UTF-8 in "${odd}"`, 'other bytes');
  const textOf = (name: string): string => files.get(name)?.toString('utf8') ?? '';
  try {
    const manifest = strictJson(textOf('manifest.json')) as object;
    const [events, proofs] = [linesIn(textOf('rows.jsonl')), linesIn(textOf('proofs.jsonl'))];
    const inclusion = proofs.map((line) => strictJson(line));
    const reading = bundleIn({ ...manifest, events, inclusion, checkpoint: textOf('checkpoint.txt') });
    return reading.kind === 'none' ? reading : { kind: 'evidence', evidence: inFolder(reading.bundle, files) };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return noEvidence('strict JSON in the folder', error.message);
  }
}

/** The names that count in a folder: those of the form, and those that its digests name. */
export function namesOfBundle(sums: Buffer | undefined): string[] {
  const named = linesIn(sums?.toString('utf8') ?? '').flatMap((line) => SUM.exec(line)?.[2] ?? []);
  return [...new Set([...PARTS, SUMS, SUMS_SIGNATURE, ...named])];
}

function linesIn(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

function inFolder(bundle: Bundle, files: Files): Evidence {
  const findings = new BundleFindings();
  const sums = files.get(SUMS) as Buffer;
  checkSums(sums.toString('utf8'), files, findings);
  const signature = readSshSignature(files.get(SUMS_SIGNATURE)?.toString('utf8') ?? '');
  if (signature?.namespace !== NAMESPACE) {
    findings.add('SIGNATURE_INVALID', `a signature of ${SUMS} for "${NAMESPACE}"`, signature?.namespace ?? 'none');
    return { bundle, layers: [], findings: findings.kept };
  }
  const layer = {
    bytes: sshSignedBytes(sums, NAMESPACE),
    signature: {
      alg: 'ed25519' as const,
      keyId: fingerprintOf({ bytes: signature.publicBytes }),
      value: signature.value.toString('hex'),
    },
  };
  return { bundle, layers: [layer], findings: findings.kept };
}

/** Every file that lies there is named, and is what it is named as; what a system leaves behind, `.DS_Store` say, is nobody's. */
function checkSums(text: string, files: Files, findings: BundleFindings): void {
  const sums = new Map<string, string>();
  for (const line of linesIn(text)) {
    const [, digest = '', name = ''] = SUM.exec(line) ?? [];
    if (name === '' || sums.has(name))
      findings.add('MALFORMED', `a digest and a name, each once, in ${SUMS}`, line.slice(0, 100));
    sums.set(name, digest);
  }
  for (const [name, digest] of sums) {
    const bytes = files.get(name);
    const got = bytes === undefined ? 'no such file' : sha256Hex(bytes);
    if (got !== digest) findings.add('CONTENT_ALTERED', `${name} with the digest ${digest}`, got);
  }
  const odd = [...files.keys()].filter((name) => !sums.has(name) && ![SUMS, SUMS_SIGNATURE].includes(name));
  for (const name of odd.filter((one) => !one.startsWith('.')))
    findings.add('FOREIGN', `no file that ${SUMS} does not name`, name);
  for (const name of PARTS) if (!sums.has(name)) findings.add('FOREIGN', `"${name}" among what is signed`, 'not there');
}
