/**
 * One decision, row by row in the order of its stream: where it stands, what it rests on, and what is wrong with it. What
 * counts is what stood in the ledger when it was allowed, and when it was executed.
 */
import type { Row } from '../members';
import { parseRfc3339 } from '../time';
import { doneMs, fieldOf, listOf, textOf } from './finding';
import type { GovernanceCode, GovernanceFinding } from './finding';
import { DECISION_MACHINE, stepOf } from './machine';
import type { DecisionState } from './machine';

/** An approval that says no takes back the one before. */
const SAYS_NO = /^(?:reject|den(?:y|ied)|declin|refus|abstain|revok|withdr|object|no$)/i;

/** Under these names an exception covers too few signatures; under these, everything. */
const AUTHORITY = ['authority', 'approvals', 'signatures', 'min_signatures', 'required_roles'];
const GENERAL = ['*', 'all', 'any', 'decision'];

interface Lack {
  readonly code: GovernanceCode;
  readonly text: string;
  readonly scopes: readonly string[];
  readonly gate?: Row;
}

export class DecisionAudit {
  state: DecisionState = DECISION_MACHINE.start;
  readonly findings: GovernanceFinding[] = [];
  /** Of each gate the row that counts: the last. */
  readonly gates = new Map<string, Row>();
  /** Who agreed, and the row that says so. */
  readonly approvals = new Map<string, Row>();
  readonly overrides: Row[] = [];
  /** The last of each. */
  created: Row | undefined;
  risk: Row | undefined;
  required: Row | undefined;
  enforcement: Row | undefined;
  executed: Row | undefined;
  expired: Row | undefined;

  constructor(readonly id: string) {}

  step(row: Row): void {
    const before = this.state;
    const { state, wrong } = stepOf(DECISION_MACHINE, before, eventOf(row));
    this.state = state;
    if (wrong !== undefined) this.#find(wrong, [row, ...this.#why(wrong)], sentenceOf(wrong, row, before));
    this.#note(row, wrong === 'APPROVAL_AFTER_EXPIRY');
    if (row === this.enforcement && state === 'allowed' && wrong === undefined) this.#check(row, 'allowed');
    if (row === this.executed && wrong === undefined) this.#check(row, 'executed');
  }

  /** How many people must agree, and in which roles. */
  get authority(): { readonly signatures: number; readonly roles: readonly string[] } {
    const { required } = this;
    if (required === undefined) return { signatures: 0, roles: [] };
    const roles = listOf(required, 'required_roles').filter((role): role is string => typeof role === 'string');
    return { signatures: Number(fieldOf(required, 'min_signatures') ?? 0), roles };
  }

  /** The roles that must agree, and in which nobody did. */
  get missingRoles(): readonly string[] {
    const given = new Set([...this.approvals.values()].map((row) => textOf(row, 'role')));
    return this.authority.roles.filter((role) => !given.has(role));
  }

  get failedGates(): readonly Row[] {
    return [...this.gates.values()].filter((row) => fieldOf(row, 'result') === 'fail');
  }

  #note(row: Row, isLate: boolean): void {
    switch (row.action) {
      case 'decision.created':
        this.created ??= row;
        return;
      case 'policy.gate':
        this.gates.set(textOf(row, 'gate_id') ?? '', row);
        return;
      case 'risk.scored':
        this.risk = row;
        return;
      case 'authority.required':
        this.required = row;
        return;
      case 'approval.added':
        if (!isLate) this.#noteApproval(row);
        return;
      case 'override.added':
        this.overrides.push(row);
        return;
      case 'enforcement.result':
        this.enforcement = row;
        return;
      case 'decision.executed':
        this.executed ??= row;
        return;
      case 'decision.expired':
        this.expired ??= row;
        return;
    }
  }

  #noteApproval(row: Row): void {
    const actor = textOf(row, 'actor') ?? '';
    if (saysNo(row)) this.approvals.delete(actor);
    else this.approvals.set(actor, row);
  }

  /** What is lacking must be covered by an exception that holds: when it is allowed, and still when it is executed. */
  #check(row: Row, what: 'allowed' | 'executed'): void {
    const rows = [row, ...(this.required === undefined ? [] : [this.required]), ...this.approvals.values()];
    for (const { code, text, scopes, gate } of this.#lacks()) {
      if (this.#exception(scopes, row) !== undefined) continue;
      const ended = this.#exception(scopes, undefined);
      if (ended !== undefined) this.#findEnded(row, ended, `${text}, and the exception for it had ended`, what);
      else if (what === 'allowed')
        this.#find(code, gate === undefined ? rows : [row, gate], `it was allowed though ${text}`);
    }
  }

  /** Told once of each exception. */
  #findEnded(row: Row, ended: Row, text: string, what: string): void {
    if (this.findings.some(({ code, rows }) => code === 'OVERRIDE_EXPIRED' && rows[1] === ended.seq)) return;
    this.#find('OVERRIDE_EXPIRED', [row, ended], `${text} (${textOf(ended, 'expires_at') ?? ''}) when it was ${what}`);
  }

  /** What is not as it must be, and under which names an exception may cover it. */
  #lacks(): Lack[] {
    const { signatures } = this.authority;
    const agreed = this.approvals.size;
    const few: Lack = { code: 'TOO_FEW_APPROVERS', text: `${people(agreed)} agreed, of ${signatures} that must`, scopes: AUTHORITY }; // prettier-ignore
    const roles = this.missingRoles.map((role): Lack => ({ code: 'ROLE_MISSING', text: `nobody agreed as ${role}`, scopes: [...AUTHORITY, role] })); // prettier-ignore
    const gates = this.failedGates.map((gate): Lack => {
      const name = textOf(gate, 'gate_id') ?? '';
      return { code: 'GATE_FAILED', text: `${name} failed`, scopes: [name], gate };
    });
    return [...(agreed < signatures ? [few] : []), ...roles, ...gates];
  }

  /** An exception that covers it and holds at the time of a row; without a row: whether or not it holds. */
  #exception(scopes: readonly string[], row: Row | undefined): Row | undefined {
    const general = [
      ...GENERAL,
      this.id,
      ...(this.created === undefined ? [] : [textOf(this.created, 'action') ?? '']),
    ];
    const isCovered = (override: Row): boolean => scopeOf(override).some((name) => scopes.includes(name) || general.includes(name)); // prettier-ignore
    return this.overrides.find((one) => isCovered(one) && (row === undefined || expiryMs(one) >= doneMs(row)));
  }

  #why(code: GovernanceCode): Row[] {
    if (code === 'APPROVAL_AFTER_EXPIRY' || code === 'ROW_AFTER_CLOSE')
      return [this.expired ?? this.executed ?? []].flat();
    return code === 'EXECUTED_WITHOUT_ALLOW' ? [this.expired ?? this.enforcement ?? []].flat() : [];
  }

  #find(code: GovernanceCode, rows: readonly Row[], text: string): void {
    this.findings.push({ code, stream: { kind: 'decision', id: this.id }, rows: rows.map(({ seq }) => seq), text });
  }
}

function eventOf(row: Row): string {
  if (row.action !== 'enforcement.result') return row.action;
  return `enforcement.result: ${fieldOf(row, 'result') === 'allow' ? 'allow' : 'other'}`;
}

function sentenceOf(code: GovernanceCode, row: Row, before: DecisionState): string {
  if (code === 'NOT_CREATED')
    return before === 'none' ? `${row.action} came before decision.created` : 'it was created a second time';
  if (code === 'APPROVAL_AFTER_EXPIRY') return `${textOf(row, 'actor') ?? 'somebody'} agreed after it had expired`;
  if (code !== 'EXECUTED_WITHOUT_ALLOW') return `${row.action} came after it was ${before}`;
  return before === 'expired' ? 'it was executed after it had expired' : 'it was executed though nothing allowed it';
}

function expiryMs(override: Row): number {
  return parseRfc3339(textOf(override, 'expires_at') ?? '') ?? -Infinity;
}

/** Whether an approval withholds, or takes back. */
export function saysNo(row: Row): boolean {
  return SAYS_NO.test(textOf(row, 'intent') ?? textOf(row, 'verdict') ?? '');
}

/** The names in a scope: a text, a list of them, or the values of an object. */
function scopeOf(override: Row): readonly string[] {
  const scope = fieldOf(override, 'scope');
  if (typeof scope === 'string') return scope.split(/[\s,;]+/);
  return typeof scope === 'object' && scope !== null ? Object.values(scope).map(String) : [];
}

const people = (count: number): string => (count === 1 ? '1 person' : `${count} people`);
