/**
 * Records of what was sold, spent, done and agreed, a line each, by the names of their classes:
 *
 *   {"record":"RevenueEvent","provenance":"live","timestamp":"…","order_id":"ord_1042","customer_id":"cus_77","amount_usd":"49.00","source":"stripe","id":"…","hash":"…"}
 *
 * Each says what it is: `sample` and `fallback` are no proof. A row of another type that cost something is a SpendEvent.
 */
import { Entry } from './entry';
import { textIn } from './rawMembers';
import type { RawMembers } from './rawMembers';
import type { Shape } from './shape';

interface RecordClass {
  readonly name: string;
  readonly fields: readonly string[];
}

const CLASSES: Readonly<Record<string, RecordClass>> = {
  'proof.order': { name: 'Order', fields: ['amount_usd', 'status', 'product'] },
  'proof.revenue': { name: 'RevenueEvent', fields: ['amount_usd', 'source'] },
  'proof.webhook': { name: 'WebhookEvent', fields: ['source', 'event_id', 'kind'] },
  'proof.crm_activity': { name: 'CrmActivity', fields: ['deal_id', 'kind', 'summary'] },
  'proof.run': { name: 'AcquisitionRun', fields: ['state', 'purpose'] },
  'proof.run_event': { name: 'RunEvent', fields: ['state', 'detail'] },
  'proof.tool_call': { name: 'ToolCall', fields: ['tool', 'verdict', 'reason'] },
  'proof.model_decision': { name: 'ModelDecision', fields: ['route', 'model', 'decision'] },
  'proof.approval': { name: 'ApprovalEvent', fields: ['subject', 'verdict', 'approver'] },
  'proof.artifact': { name: 'Artifact', fields: ['ref', 'sha256', 'access'] },
  'proof.audit_event': { name: 'AuditEvent', fields: ['what', 'why'] },
};

export const proofShape: Shape = { stream: undefined, lines };

function lines(row: RawMembers): string[] {
  const action = textIn(row.get('action')) ?? '';
  const one = Object.hasOwn(CLASSES, action) ? CLASSES[action] : undefined;
  if (one === undefined && !row.has('cost_usd')) return [];
  const record = new Entry(row);
  record.text('record', one === undefined ? 'SpendEvent' : nameOf(one, record.payload));
  record
    .member('provenance')
    .put('provenance', row.has('provenance') ? undefined : '"live"')
    .timestamp();
  // What the row itself says comes first: a payload may tell of another order than the one that it was done for.
  for (const name of ['order_id', 'customer_id'])
    if (row.has(name) || one === undefined) record.member(name);
    else record.field(name);
  record.member('run_id');
  if (one === undefined) record.member('action').member('agent').member('model');
  for (const name of one?.fields ?? []) record.field(name);
  return [record.taken('action').member('cost_usd').member('id').member('hash').more().toString()];
}

function nameOf({ name }: RecordClass, payload: RawMembers): string {
  return name === 'WebhookEvent' && textIn(payload.get('source')) === 'stripe' ? `Stripe${name}` : name;
}
