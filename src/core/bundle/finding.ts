/** What is wrong with a bundle, as data: a code of the closed list, the row where there is one, wanted and found. */
import type { FindingCode } from '../verdict';

/** `untrusted`: it holds, and is by a key that is not known, or not for this; `not-checked`: there was no key to check by. */
export type Checked = 'valid' | 'untrusted' | 'broken' | 'not-checked';

export interface BundleFinding {
  readonly code: FindingCode;
  readonly seq: number | null;
  readonly want: string;
  readonly got: string;
}

/** More of them are counted, not kept. */
const MAX_KEPT = 100;

export class BundleFindings {
  readonly kept: BundleFinding[] = [];
  total = 0;
  #untrusted = 0;

  /** Whether nothing but the trust in a key is amiss: then nothing was tampered with. */
  get isOnlyUntrusted(): boolean {
    return this.total > 0 && this.total === this.#untrusted;
  }

  add(code: FindingCode, want: string, got: string, seq: number | null = null): void {
    this.total++;
    if (code === 'UNKNOWN_KEY' || code === 'UNTRUSTED_KEY') this.#untrusted++;
    if (this.kept.length < MAX_KEPT) this.kept.push({ code, seq, want, got });
  }

  addAll({ kept, total }: BundleFindings): void {
    for (const { code, seq, want, got } of kept) this.add(code, want, got, seq);
    this.total += total - kept.length;
  }
}
