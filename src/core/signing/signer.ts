/** What signs: a key in a file, ssh-agent, a command, a secret that two share. Who asks for a signature does not know which. */
import type { PublicKey } from './keys';

export interface Signer {
  readonly alg: 'ed25519' | 'hmac-sha256';
  /** `SHA256:…`, the fingerprint of a key that has a public half; `hmac:…` of one that has none. */
  readonly keyId: string;
  readonly publicKey?: PublicKey;
  /** Resolves with the 64 bytes of Ed25519, or the 32 of HMAC-SHA-256. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** A signer whose signatures anybody can check. */
export interface KeySigner extends Signer {
  readonly alg: 'ed25519';
  readonly publicKey: PublicKey;
}
