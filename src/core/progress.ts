/** How far the reading of a whole file, or of a whole ledger, got: what a progress line tells. */
export interface ReadSoFar {
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes: number;
}
