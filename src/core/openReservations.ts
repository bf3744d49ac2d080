/**
 * The reservations that no row has closed, in the order they were made. One is open until its time is up, and counts in
 * whatever period it is open in, since that is where it will be settled.
 */
import type { CapSum } from './capSum';
import { MAX_TTL_MS } from './reservation';
import type { Reservation } from './reservation';

/** Those whose time is up: so many are kept, since a clock may be set back a little. */
const MAX_LAPSED = 1_000;

/** As plain data: amounts as text, in nano-dollars. */
export type ReservationRecord = Omit<Reservation, 'nanos'> & { readonly nanos: string };

export class OpenReservations {
  readonly #open = new Map<string, Reservation>();

  static fromRecord(record: readonly ReservationRecord[]): OpenReservations {
    const open = new OpenReservations();
    for (const one of record) open.add({ ...one, nanos: BigInt(one.nanos) });
    return open;
  }

  /** What is worth keeping, and since when it tells all there was. */
  toRecord(nowMs: number): { readonly open: readonly ReservationRecord[]; readonly sinceMs: number } {
    const all = [...this.#open.values()];
    const lapsed = all.filter(({ expiresMs }) => expiresMs <= nowMs);
    const dropped = new Set(lapsed.slice(0, -MAX_LAPSED));
    return {
      open: all.filter((one) => !dropped.has(one)).map((one) => ({ ...one, nanos: String(one.nanos) })),
      // Were the clock set back before their time was up, they would be open again.
      sinceMs: Math.max(-Infinity, ...[...dropped].map(({ expiresMs }) => expiresMs - MAX_TTL_MS)),
    };
  }

  add(one: Reservation): void {
    this.#open.set(one.id, one);
  }

  close(id: string): void {
    this.#open.delete(id);
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Those that are open at a moment, the oldest first. */
  at(nowMs: number): Reservation[] {
    return [...this.#open.values()].filter(({ expiresMs }) => expiresMs > nowMs);
  }

  /** What is reserved under a cap at a moment. */
  under(sum: CapSum, run: string | undefined, nowMs: number): bigint {
    let nanos = 0n;
    for (const one of this.#open.values()) {
      const counts = one.expiresMs > nowMs && sum.appliesTo(one.members);
      if (counts && (!sum.isPerRun || one.members['run_id'] === run)) nanos += one.nanos;
    }
    return nanos;
  }
}
