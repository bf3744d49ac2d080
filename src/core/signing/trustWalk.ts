/**
 * Which keys sign for a ledger, row by row: those that the settings trust, and those to which they handed that on. A key
 * that was handed on ends with the row that says so; what it signed before stays good.
 */
import { formatTime } from '../time';
import type { Row } from '../members';
import { fingerprintOf } from './keys';
import { badSignature, readRotation } from './rotation';
import type { EvidenceRole, SignedRotation } from './rotation';
import type { SignatureFault, TrustedKeys } from './signature';

/** Of a key that signed: trusted for it; not in the list; in it, and not for that; or there is no list to look in. */
export type KeyStanding = 'trusted' | 'unknown' | 'untrusted' | 'none-trusted';

/** The sizes of a ledger for which a key counts. */
interface Span {
  readonly from: number;
  readonly to: number;
}

interface KnownKey {
  readonly publicKey: Buffer;
  readonly untilMs: number | undefined;
  readonly spans: Map<EvidenceRole, Span[]>;
}

const ALWAYS: Span = { from: 0, to: Infinity };

export class KeyTrust {
  readonly #keys = new Map<string, KnownKey>();
  readonly #isEmpty: boolean;

  /** @param trusted those of the settings */
  constructor(trusted: TrustedKeys) {
    this.#isEmpty = trusted.size === 0;
    for (const [keyId, { publicKey, roles, untilMs }] of trusted) {
      const spans = new Map<EvidenceRole, Span[]>();
      if (roles.includes('checkpoint')) spans.set('checkpoint', [ALWAYS]).set('bundle', [ALWAYS]);
      if (roles.includes('bundle')) spans.set('bundle', [ALWAYS]);
      this.#keys.set(keyId, { publicKey, untilMs, spans });
    }
  }

  /** The public keys that are known so far, by fingerprint. */
  get publicKeys(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#keys].map(([keyId, { publicKey }]) => [keyId, publicKey]));
  }

  /** Those that may sign tree heads, or might before they were handed on. */
  get headSigners(): readonly Buffer[] {
    return [...this.#keys.values()].filter(({ spans }) => spans.has('checkpoint')).map(({ publicKey }) => publicKey);
  }

  /**
   * One more row `audit.key-rotation`, in the order of the ledger.
   * @param ledgerId undefined where no row has said which ledger it is: then nothing is handed on
   * @returns what is wrong with it; nothing is handed on then
   */
  take(row: Row, ledgerId: string | undefined): SignatureFault | undefined {
    const rotation = readRotation(row.payload);
    if (rotation === undefined)
      return invalid('a rotation from one key to another, in its one form', 'another payload');
    if (ledgerId === undefined) return undefined;
    const { seq, hash } = rotation.after;
    if (seq !== row.seq - 1 || hash !== row.prev_hash)
      return invalid(
        `a rotation that was signed for this place, behind row ${row.seq - 1}`,
        `one for behind row ${seq}, ${hash}`,
      );
    const bad = badSignature(ledgerId, rotation);
    if (bad !== undefined)
      return invalid(`a signature of the ${bad} key over this rotation in ledger ${ledgerId}`, 'none that holds');
    if (this.#isEmpty) return undefined;
    return this.#handOn(rotation, row);
  }

  #handOn({ old, new: next, roles }: SignedRotation, row: Row): SignatureFault | undefined {
    const [oldId, newId] = [fingerprintOf(old), fingerprintOf(next)];
    const atMs = Date.parse(row.ts);
    const holds = (keyId: string, role: EvidenceRole): boolean =>
      this.standing(role, keyId, row.seq, atMs) === 'trusted';
    const lacking = roles.find((role) => !holds(oldId, role));
    if (lacking !== undefined) {
      // Of keys that are no longer known, or never were: it hands nothing on that the settings do not say already.
      if (roles.every((role) => holds(newId, role))) return undefined;
      return this.#notTheirs(oldId, lacking);
    }
    for (const role of roles) {
      this.#end(oldId, role, row.seq);
      this.#begin(newId, next.bytes, role, row.seq);
    }
    return undefined;
  }

  #notTheirs(oldId: string, role: EvidenceRole): SignatureFault {
    const known = this.#keys.get(oldId);
    if (known === undefined)
      return { code: 'UNKNOWN_KEY', want: 'a rotation from a key that is trusted here', got: oldId };
    const { untilMs } = known;
    const until = untilMs === undefined ? '' : `, or is since ${formatTime(untilMs)} no longer`;
    return {
      code: 'UNTRUSTED_KEY',
      want: `a rotation from a key that is trusted to sign each ${role === 'checkpoint' ? 'tree head' : 'bundle'} then`,
      got: `${oldId}, which is not${until}`,
    };
  }

  #end(keyId: string, role: EvidenceRole, seq: number): void {
    const spans = this.#keys.get(keyId)?.spans;
    const ended = spans?.get(role)?.map(({ from, to }) => ({ from, to: Math.min(to, seq) })) ?? [];
    spans?.set(role, ended);
  }

  #begin(keyId: string, publicKey: Buffer, role: EvidenceRole, seq: number): void {
    const known = this.#keys.get(keyId) ?? { publicKey, untilMs: undefined, spans: new Map<EvidenceRole, Span[]>() };
    known.spans.set(role, [...(known.spans.get(role) ?? []), { from: seq, to: Infinity }]);
    this.#keys.set(keyId, known);
  }

  /**
   * Whether a key counts for a tree head.
   * @param key its fingerprint, or its 32 bytes
   * @param atSize how many rows the tree has
   * @param atMs when the last of them was appended, if that is known: a key that ended before cannot have signed
   */
  mayTreeHead(key: string | Uint8Array, atSize: number, atMs?: number): KeyStanding {
    return this.standing('checkpoint', key, atSize, atMs);
  }

  /** Whether it counts for a bundle of a ledger that had so many rows. */
  mayBundle(key: string | Uint8Array, atSize: number, atMs?: number): KeyStanding {
    return this.standing('bundle', key, atSize, atMs);
  }

  standing(role: EvidenceRole, key: string | Uint8Array, atSize: number, atMs = -Infinity): KeyStanding {
    if (this.#isEmpty) return 'none-trusted';
    const known = this.#keys.get(typeof key === 'string' ? key : fingerprintOf({ bytes: Buffer.from(key) }));
    if (known === undefined) return 'unknown';
    const inSpan = known.spans.get(role)?.some(({ from, to }) => from <= atSize && atSize <= to) ?? false;
    return inSpan && atMs < (known.untilMs ?? Infinity) ? 'trusted' : 'untrusted';
  }
}

function invalid(want: string, got: string): SignatureFault {
  return { code: 'SIGNATURE_INVALID', want, got };
}
