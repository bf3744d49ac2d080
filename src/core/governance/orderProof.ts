/**
 * From payment to what was delivered: the links of one order, each with its rows, or missing; and what it earned and cost.
 * Rows that are not live are shown as what they are and never count.
 */
import type { Row } from '../members';
import { formatNanos, parseCostNanos } from '../money';
import { saysNo, saysYes } from './consent';
import { fieldOf, isLive, textOf } from './finding';
import { happenedAt } from './stream';
import { dotted, valueText } from './words';

export const LINKS = ['payment', 'webhook', 'revenue', 'run', 'tools and models', 'approvals', 'artifact', 'delivery'] as const; // prettier-ignore
export type LinkName = (typeof LINKS)[number];

/** What the bytes of an artifact are, where they are at hand. */
export type ArtifactCheck = 'same' | 'differs' | 'not at hand';

export interface ProofRow {
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly text: string;
  /** `sample`, `fallback`; null for what is live or imported. */
  readonly not_live: string | null;
  /** Of an artifact. */
  readonly file: ArtifactCheck | null;
}

export interface Link {
  readonly name: LinkName;
  readonly rows: readonly ProofRow[];
  /** No row that counts shows it. */
  readonly is_missing: boolean;
}

export interface OrderProof {
  readonly order_id: string;
  readonly customers: readonly string[];
  readonly runs: readonly string[];
  readonly links: readonly Link[];
  readonly revenue_usd: string;
  readonly spend_usd: string;
  readonly margin_usd: string;
  readonly missing: readonly LinkName[];
  /** Artifacts whose bytes are not those that the row names. */
  readonly differs: readonly string[];
}

const LINK_OF: Readonly<Record<string, LinkName>> = {
  'proof.order': 'payment',
  'proof.webhook': 'webhook',
  'proof.revenue': 'revenue',
  'proof.run': 'run',
  'proof.run_event': 'run',
  run_started: 'run',
  run_completed: 'run',
  'run.invocation': 'run',
  'proof.tool_call': 'tools and models',
  'proof.model_decision': 'tools and models',
  tool_executed: 'tools and models',
  model_call_completed: 'tools and models',
  'tool.call': 'tools and models',
  'proof.approval': 'approvals',
  'approval.added': 'approvals',
  approval_resolved: 'approvals',
  approval: 'approvals',
  'proof.artifact': 'artifact',
  'surface.delivery': 'delivery',
};

/** The fields of a row that its line says, by action; of others its target and outcome. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  'proof.order': ['product', 'amount_usd', 'status'],
  'proof.webhook': ['source', 'event_id', 'kind'],
  'proof.revenue': ['amount_usd', 'source'],
  'proof.run': ['purpose', 'state'],
  'proof.run_event': ['state', 'detail'],
  'proof.tool_call': ['tool', 'verdict', 'reason'],
  'proof.model_decision': ['route', 'model', 'decision'],
  'proof.approval': ['subject', 'verdict', 'approver'],
  'proof.artifact': ['ref', 'access', 'sha256'],
  'surface.delivery': ['outcome', 'target', 'reason', 'anchor'],
};

/**
 * @param rows of the order and of its runs, in their order, each once
 * @param checkOf what the file of an artifact is, by its row's seq
 */
export function orderProof(
  order: string,
  rows: readonly Row[],
  checkOf: ReadonlyMap<number, ArtifactCheck>,
): OrderProof {
  const links = LINKS.map((name): Link => {
    const all = rows.filter((row) => LINK_OF[row.action] === name);
    return {
      name,
      rows: all.map((row) => proofRow(row, checkOf.get(row.seq) ?? null)),
      is_missing: !isShown(name, all.filter(isLive)),
    };
  });
  const [revenue, spend] = [sum(rows, revenueNanos), sum(rows, spendNanos)];
  const artifacts = rows.filter((row) => isLive(row) && checkOf.get(row.seq) === 'differs');
  return {
    order_id: order,
    customers: distinct(rows, ({ customer_id: id }) => valueText(id) || undefined),
    runs: distinct(rows, ({ run_id: id }) => id),
    links,
    revenue_usd: formatNanos(revenue),
    spend_usd: formatNanos(spend),
    margin_usd: formatNanos(revenue - spend),
    missing: links.flatMap((link) => (link.is_missing ? [link.name] : [])),
    differs: artifacts.map((row) => textOf(row, 'ref') ?? ''),
  };
}

/** What failed shows no delivery; approved is that on which the last word was a yes. */
function isShown(name: LinkName, rows: readonly Row[]): boolean {
  if (name === 'delivery') return rows.some((row) => textOf(row, 'outcome') === 'delivered');
  if (name !== 'approvals') return rows.length > 0;
  const agreed = new Map<string, boolean>();
  for (const row of rows) if (saysYes(row) || saysNo(row)) agreed.set(textOf(row, 'subject') ?? '', saysYes(row));
  return [...agreed.values()].includes(true);
}

/** What a row earned. */
export function revenueNanos(row: Row): bigint {
  if (row.action !== 'proof.revenue' || !isLive(row)) return 0n;
  const amount = fieldOf(row, 'amount_usd');
  // A number such as 0.1 + 0.2 has more decimals than there are parts of a dollar.
  const rounded = typeof amount === 'number' && Math.abs(amount) < 1e6 ? Math.round(amount * 1e9) : 0;
  return BigInt(parseCostNanos(textOf(row, 'amount_usd') ?? '') ?? rounded);
}

/** What a row cost: refunds are below 0. */
export function spendNanos(row: Row): bigint {
  return typeof row.cost_usd !== 'number' || !isLive(row) ? 0n : BigInt(parseCostNanos(String(row.cost_usd)) ?? 0);
}

function sum(rows: readonly Row[], nanosOf: (row: Row) => bigint): bigint {
  return rows.reduce((total, row) => total + nanosOf(row), 0n);
}

function proofRow(row: Row, file: ArtifactCheck | null): ProofRow {
  const said = SAID[row.action] ?? ['target', 'outcome', 'model'];
  return {
    seq: row.seq,
    at: happenedAt(row),
    action: row.action,
    text: dotted(...said.map((name) => valueText(fieldOf(row, name)))),
    not_live: isLive(row) ? null : (row.provenance ?? null),
    file,
  };
}

function distinct(rows: readonly Row[], of: (row: Row) => string | undefined): string[] {
  return [...new Set(rows.flatMap((row) => of(row) ?? []))];
}
