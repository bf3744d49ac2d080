/** How a bundle is checked with stock tools, as docs/bundles.md has it too: first its content hash, then its signature. */
import type { SignatureAlg } from '../core/bundle/bundle';

const SIGNED = String.raw`{ printf 'ledger-bundle/1\n'; jq -j .contentHash FILE; }`;

const COMMANDS: Readonly<Record<SignatureAlg, readonly string[]>> = {
  ed25519: [
    String.raw`{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cut -d ' ' -f 2 signer.pub | base64 -d | tail -c 32; } > signer.der`,
    `${SIGNED} > signed.txt`,
    'jq -j .signature.value FILE | tr a-f A-F | basenc --base16 -d > signature.bin',
    'openssl pkeyutl -verify -pubin -keyform DER -inkey signer.der -rawin -in signed.txt -sigfile signature.bin',
  ],
  'hmac-sha256': [`${SIGNED} | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(cat secret)"`],
};

/** @param file a name that a shell takes as it is */
export function opensslCommands(file: string, alg: SignatureAlg): string[] {
  const digest = "jq -cSj 'del(.contentHash, .signature)' FILE | sha256sum";
  return [digest, ...COMMANDS[alg]].map((line) => line.replace('FILE', file));
}
