/** What is wrong with a bundle, as data: a code of the closed list, the row where there is one, wanted and found. */
import type { FindingCode } from '../verdict';

/** `not-checked`: there was no key to check by. */
export type Checked = 'valid' | 'broken' | 'not-checked';

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

  add(code: FindingCode, want: string, got: string, seq: number | null = null): void {
    this.total++;
    if (this.kept.length < MAX_KEPT) this.kept.push({ code, seq, want, got });
  }

  addAll({ kept, total }: BundleFindings): void {
    for (const { code, seq, want, got } of kept) this.add(code, want, got, seq);
    this.total += total - kept.length;
  }
}
