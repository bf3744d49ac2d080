/**
 * One decision, row by row in the order of its stream: where it stands, and what is wrong with it. What counts is what stood
 * in the ledger when it was allowed, and when it was executed. Of rows no more is kept than is looked back to, and nothing
 * once it is closed: a ledger may have a million decisions.
 */
import type { Row } from '../members';
import { doneMs, fieldOf, isLive, listOf, textOf } from './finding';
import type { GovernanceCode, GovernanceFinding } from './finding';
import { DECISION_MACHINE, stepOf } from './machine';
import type { DecisionState } from './machine';
import { nameOf, saysNo, saysYes } from './consent';
import { endedText, overrideIn } from './exception';
import type { Override } from './exception';
import { covers } from './scope';

interface Gate {
  readonly seq: number;
  readonly result: string;
}

interface Consent {
  readonly seq: number;
  readonly roles: Set<string>;
}

interface Required {
  readonly seq: number;
  readonly signatures: number;
  readonly roles: readonly string[];
}

/** What is not as it must be, and under which names an exception may cover it. */
interface Lack {
  readonly code: GovernanceCode;
  readonly text: string;
  readonly scopes: readonly string[];
  readonly rows: readonly number[];
}

/** Under these names an exception covers too few signatures. */
const AUTHORITY = ['authority', 'approvals', 'signatures', 'min_signatures', 'required_roles'];

export class DecisionAudit {
  state: DecisionState = DECISION_MACHINE.start;
  /** Of its last row in the stream. */
  place = 0;
  readonly findings: GovernanceFinding[] = [];
  #action: string | undefined;
  /** Its rows began without decision.created. */
  #isUncreated = false;
  #required: Required | undefined;
  #enforcement: { readonly seq: number; readonly result: string } | undefined;
  /** The row that closed it. */
  #closed: number | undefined;
  /** Of each gate the last word; who agreed; what was excepted. Made where there is one. */
  #gates: Map<string, Gate> | undefined;
  #consents: Map<string, Consent> | undefined;
  #overrides: Override[] | undefined;
  #told: Set<string> | undefined;

  /** @param counts whether a row's approval or exception does: one whose signature is wrong does not */
  constructor(
    readonly id: string,
    private readonly counts: (row: Row) => boolean = () => true,
  ) {}

  step(row: Row): void {
    if (!isLive(row)) return;
    const before = this.state;
    const { state, wrong } = this.#move(row, before);
    this.state = state;
    if (wrong !== undefined) this.#find(wrong, [row.seq, ...this.#why(wrong)], this.#sentence(wrong, row, before));
    if (before === 'executed' || before === 'expired') return;
    this.#note(row);
    if (state === 'allowed' && row.action === 'enforcement.result') this.#checkAllowed(row);
    if (before === 'allowed' && state === 'executed') this.#check(row, 'executed');
    if (state === 'executed' || state === 'expired') this.#close(row);
  }

  /** That nobody created it is told once: what comes then is held against the rest. */
  #move(row: Row, before: DecisionState): ReturnType<typeof stepOf<DecisionState>> {
    const event = eventOf(row);
    const first = stepOf(DECISION_MACHINE, before, event);
    if (first.wrong !== 'NOT_CREATED') return first;
    if (before === 'none') {
      this.#isUncreated = true;
      return { state: stepOf(DECISION_MACHINE, 'open', event).state, wrong: first.wrong };
    }
    const wrong = this.#isUncreated ? undefined : first.wrong;
    this.#isUncreated = false;
    return { state: before, wrong };
  }

  #note(row: Row): void {
    switch (row.action) {
      case 'decision.created':
        this.#action ??= typeof row.payload?.['action'] === 'string' ? row.payload['action'] : undefined;
        return;
      case 'policy.gate':
        this.#gates ??= new Map();
        this.#gates.set(textOf(row, 'gate_id') ?? '', { seq: row.seq, result: textOf(row, 'result') ?? '' });
        return;
      case 'authority.required':
        this.#required = this.#askedFor(requiredIn(row));
        return;
      case 'approval.added':
        if (this.counts(row)) this.#noteConsent(row);
        return;
      case 'override.added':
        if (!this.counts(row)) return;
        this.#overrides ??= [];
        this.#overrides.push(overrideIn(row));
        return;
      case 'enforcement.result':
        this.#enforcement = { seq: row.seq, result: textOf(row, 'result') ?? '' };
    }
  }

  /** Once somebody has answered it cannot be asked for less: that would take an exception. */
  #askedFor(asked: Required): Required {
    const before = this.#required;
    if (before === undefined || this.#consents === undefined) return asked;
    const roles = [...new Set([...asked.roles, ...before.roles])];
    const isLess = asked.signatures < before.signatures || roles.length > asked.roles.length;
    if (!isLess) return asked;
    return { seq: before.seq, signatures: Math.max(asked.signatures, before.signatures), roles };
  }

  /** Whoever agrees may do so in several roles; whoever says no takes back what was said before. */
  #noteConsent(row: Row): void {
    const actor = nameOf(row);
    if (actor === undefined) return;
    this.#consents ??= new Map();
    if (saysNo(row)) this.#consents.delete(actor);
    if (!saysYes(row)) return;
    const consent = this.#consents.get(actor) ?? { seq: row.seq, roles: new Set<string>() };
    consent.roles.add(textOf(row, 'role') ?? '');
    this.#consents.set(actor, consent);
  }

  #close({ seq }: Row): void {
    this.#closed = seq;
    this.#gates = this.#consents = this.#overrides = this.#told = undefined;
  }

  #checkAllowed(row: Row): void {
    this.#check(row, 'allowed');
    const unmet = listOf(row, 'unmet_conditions').map(String);
    const isOpen = (name: string): boolean => this.#exception([name], row) === undefined;
    if (unmet.some(isOpen))
      this.#find('UNMET_CONDITIONS', [row.seq], `it was allowed though the same row names what is not met: ${unmet.join(', ')}`); // prettier-ignore
  }

  /** What is lacking must be covered by an exception that holds: when it is allowed, and still when it is executed. */
  #check(row: Row, what: 'allowed' | 'executed'): void {
    this.#told ??= new Set();
    for (const { code, text, scopes, rows } of this.#lacks()) {
      if (this.#exception(scopes, row) !== undefined) continue;
      const ended = this.#exception(scopes, undefined);
      const key = ended === undefined ? `${code} ${scopes.join()}` : `ended ${ended.seq}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      if (ended === undefined) this.#find(code, [row.seq, ...rows], `it was ${what} though ${text}`);
      else this.#find('OVERRIDE_EXPIRED', [row.seq, ended.seq], endedText(text, ended, row, what));
    }
  }

  #lacks(): Lack[] {
    const lacks: Lack[] = [];
    const agreed = [...(this.#consents?.values() ?? [])];
    const { signatures = 0, roles = [], seq } = this.#required ?? {};
    const rows = [...(seq === undefined ? [] : [seq]), ...agreed.map((one) => one.seq)];
    if (agreed.length < signatures)
      lacks.push({ code: 'TOO_FEW_APPROVERS', text: `${people(agreed.length)} agreed, of ${signatures} that must`, scopes: AUTHORITY, rows }); // prettier-ignore
    for (const role of roles)
      if (!agreed.some((one) => one.roles.has(role)))
        lacks.push({ code: 'ROLE_MISSING', text: `nobody agreed as ${role}`, scopes: [...AUTHORITY, role], rows });
    for (const [name, { seq: gate, result }] of this.#gates ?? [])
      if (result !== 'pass')
        lacks.push({ code: 'GATE_FAILED', text: `${name} ${result === 'fail' ? 'failed' : 'asked for an exception'}`, scopes: [name], rows: [gate] }); // prettier-ignore
    return lacks;
  }

  /** An exception that covers it and holds at the time of a row; without a row: whether or not it holds. */
  #exception(scopes: readonly string[], row: Row | undefined): Override | undefined {
    const whole = [this.id, ...(this.#action === undefined ? [] : [this.#action])];
    return this.#overrides?.find(
      ({ names, expiresMs }) => covers(names, scopes, whole) && (row === undefined || expiresMs >= doneMs(row)),
    );
  }

  #why(code: GovernanceCode): number[] {
    const { seq } = this.#enforcement ?? {};
    const closed = this.#closed === undefined ? [] : [this.#closed];
    if (code === 'APPROVAL_AFTER_EXPIRY' || code === 'ROW_AFTER_CLOSE') return closed;
    if (code !== 'EXECUTED_WITHOUT_ALLOW') return [];
    return closed.length > 0 || seq === undefined ? closed : [seq];
  }

  #sentence(code: GovernanceCode, row: Row, before: DecisionState): string {
    if (code === 'NOT_CREATED')
      return before === 'none' ? `${row.action} came before decision.created` : 'it was created a second time';
    if (code === 'APPROVAL_AFTER_EXPIRY') return `${textOf(row, 'actor') ?? 'somebody'} answered after it had expired`;
    if (row.action === 'decision.executed' && before === 'executed') return 'it was executed a second time';
    if (code !== 'EXECUTED_WITHOUT_ALLOW') return `${row.action} came after it was ${before}`;
    if (before === 'expired') return 'it was executed after it had expired';
    const last = this.#enforcement?.result;
    return last === undefined ? 'it was executed though nothing allowed it' : `it was executed though the last enforcement said ${last}`; // prettier-ignore
  }

  #find(code: GovernanceCode, rows: readonly number[], text: string): void {
    this.findings.push({ code, stream: { kind: 'decision', id: this.id }, rows, text });
  }
}

function eventOf(row: Row): string {
  if (row.action !== 'enforcement.result') return row.action;
  return `enforcement.result: ${fieldOf(row, 'result') === 'allow' ? 'allow' : 'other'}`;
}

export function requiredIn(row: Row): Required {
  const roles = listOf(row, 'required_roles').filter((role): role is string => typeof role === 'string');
  const signatures = Number(textOf(row, 'min_signatures') ?? 0);
  return { seq: row.seq, signatures: Number.isFinite(signatures) ? signatures : 0, roles };
}

const people = (count: number): string => (count === 1 ? '1 person' : `${count} people`);
