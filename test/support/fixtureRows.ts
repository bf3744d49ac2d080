/** The rows of fixtures/. */

export type Input = Readonly<Record<string, unknown>>;

/** An hour of an agent: a run with a tool call, a nested run, a decision, a refund, a payload, a row of another agent. */
export const HOUR: readonly Input[] = [
  { action: 'run_started', agent: 'coder', run_id: 'r1', payload: { program: 'make' } },
  {
    action: 'tool.call',
    agent: 'coder',
    run_id: 'r1',
    model: 'm-1',
    cost_usd: '0.0312',
    duration_ms: 80,
    outcome: 'success',
  },
  { action: 'run_started', agent: 'tester', run_id: 'r2', parent_run_id: 'r1' },
  {
    action: 'decision.created',
    agent: 'coder',
    run_id: 'r1',
    decision_id: 'd1',
    authority: 'TICKET-12',
    reason: 'prüfen',
  },
  { action: 'run_completed', agent: 'tester', run_id: 'r2', outcome: 'failure', payload: { exit_status: 1 } },
  { action: 'cost.refund', agent: 'coder', run_id: 'r1', cost_usd: '-0.01', ref: '3' },
  { action: 'pulse.probe', agent: 'probe', cost_usd: '0.000000001', idempotency_key: 'probe/1', branch: 'main' },
  {
    action: 'decision.executed',
    agent: 'coder',
    run_id: 'r1',
    decision_id: 'd1',
    payload: { files: ['a', 'b'], n: 1.5 },
  },
  { action: 'run_completed', agent: 'coder', run_id: 'r1', outcome: 'success', cost_usd: 0.25, duration_ms: 60000 },
];

/** What input may hold and no terminal, spreadsheet or object must fall for. */
export const HOSTILE: readonly Input[] = [
  JSON.parse(
    '{"action":"a.proto","agent":"__proto__","__proto__":{"polluted":true},"constructor":{"prototype":1},"cost_usd":"0.1"}',
  ) as Input,
  { action: 'a.escape', agent: '=HYPERLINK("x")', reason: '\u001b[2J\u0007\u009b31m\u0000\u007f', cost_usd: '0.2' },
  { action: 'a.bidi', agent: '\u202eevil\u2066', reason: 'line\u2028paragraph\u2029', cost_usd: '0.3' },
  { action: 'a.lines', agent: 'a\nb\r\nc\td', reason: '\\"/\b\f', cost_usd: '0.4' },
  {
    action: 'a.numbers',
    agent: 'numbers',
    n: [1e21, 5e-324, -1.7976931348623157e308, 0.1, 9007199254740991],
    cost_usd: '999999.999999999',
  },
  {
    action: 'a.letters',
    agent: '日本語 👩‍💻 e\u0301',
    payload: { '\ufb33': 1, '\u20ac': 2, '\ud83d\ude02': 3, '': [{}, [], null] },
  },
];
