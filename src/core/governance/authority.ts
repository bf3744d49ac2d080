/** How a decision waits for those who must agree: who they are, who did, and how long it took. */
import type { Row } from '../members';
import { nameOf, saysNo, saysYes } from './consent';
import { requiredIn } from './decision';
import { textOf } from './finding';
import { happenedMs } from './stream';

/** An answer that was a yes, to what had been asked. */
export interface Agreement {
  readonly role: string | undefined;
  readonly tookMs: number;
  /** Whether it was the last one that was needed. */
  readonly wasLast: boolean;
}

export class Authority {
  isWaiting = false;
  #askedMs: number | undefined;
  #roles: readonly string[] = [];
  #signatures = 0;
  /** Who, and in which roles. */
  readonly #agreed = new Map<string, readonly string[]>();

  /**
   * Who must agree, from now on.
   * @returns that in words: `2 of security, sre`
   */
  ask(row: Row): string {
    this.#askedMs = happenedMs(row);
    const { signatures, roles } = requiredIn(row);
    this.#roles = roles;
    this.#signatures = signatures;
    this.isWaiting = !this.#isSatisfied();
    return `${signatures} of ${[...roles].sort().join(', ') || 'anybody'}`;
  }

  /** @returns undefined for what is no yes, or comes before anybody was asked */
  answer(row: Row): Agreement | undefined {
    const [actor, role] = [nameOf(row), textOf(row, 'role')];
    if (actor === undefined) return undefined;
    if (saysNo(row)) this.#agreed.delete(actor);
    if (!saysYes(row)) return undefined;
    this.#agreed.set(actor, [...(this.#agreed.get(actor) ?? []), ...(role === undefined ? [] : [role])]);
    if (this.#askedMs === undefined) return undefined;
    const wasLast = this.isWaiting && this.#isSatisfied();
    if (wasLast) this.isWaiting = false;
    return { role, tookMs: Math.max(0, happenedMs(row) - this.#askedMs), wasLast };
  }

  #isSatisfied(): boolean {
    const given = new Set([...this.#agreed.values()].flat());
    return this.#agreed.size >= this.#signatures && this.#roles.every((role) => given.has(role));
  }
}
