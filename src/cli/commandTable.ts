/** Every command, loaded when it is asked for. */
import { EXIT } from './exit';
import type { CommandTable } from './main';

/** In the order of the help. */
export const COMMANDS: CommandTable = {
  init: {
    summary: 'create a ledger: state folder, first row, commented config',
    load: async () => (await import('./commands/init')).registerInit,
  },
  append: {
    summary: 'append rows: from flags, from one JSON object, or from a pipe ("-")',
    load: async () => {
      const { registerAppend } = await import('./commands/append');
      const loadEnforcement = () => import('../services/enforce');
      const loadSigning = () => import('../services/sign');
      return (program, io) => registerAppend(program, io, { loadEnforcement, loadSigning });
    },
  },
  run: {
    summary: 'run a command between two rows: what, how it ended, how long it took',
    load: async () => (await import('./commands/run')).registerRun,
    failed: () => EXIT.unstarted,
  },
  import: {
    summary: 'bring in an existing JSON-lines log, each line once',
    load: async () => (await import('./commands/import')).registerImport,
  },
  sweep: {
    summary: 'find torn lines, set them aside, heal; chain what waits; for cron',
    load: async () => (await import('./commands/sweep')).registerSweep,
  },
  verify: {
    summary: 'is every row what its writer wrote? names the first bad row',
    load: async () => (await import('./commands/verify')).registerVerify,
  },
  rollup: {
    summary: 'what was spent: exact sums by day and by any member, against caps',
    load: async () => (await import('./commands/rollup')).registerRollup,
  },
  gate: {
    summary: 'may this be spent? holds every cap, and reserves what is allowed',
    load: async () => (await import('./commands/gate')).registerGate,
    failed: (argv) => (argv.includes('--') ? EXIT.unstarted : EXIT.failed),
  },
  settle: {
    summary: 'what a reservation really cost',
    load: async () => (await import('./commands/settle')).registerSettle,
  },
  release: {
    summary: 'give a reservation back: nothing was spent',
    load: async () => (await import('./commands/settle')).registerRelease,
  },
  caps: {
    summary: 'every cap: what was spent, what is reserved, what is left',
    load: async () => (await import('./commands/caps')).registerCaps,
  },
  override: {
    summary: 'raise a cap for a time, on the record',
    load: async () => (await import('./commands/override')).registerOverride,
  },
  'close-day': {
    summary: 'write down what a day cost; what comes later shows as an adjustment',
    load: async () => (await import('./commands/closeDay')).registerCloseDay,
  },
  show: {
    summary: 'one row: its members, its hash, its links',
    load: async () => (await import('./commands/show')).registerShow,
  },
  query: {
    summary: 'find rows by any field, or figures over them; grep for ledgers',
    load: async () => (await import('./commands/query')).registerQuery,
  },
  sql: {
    summary: 'one question in SQL about the rows, read-only',
    load: async () => (await import('./commands/sql')).registerSql,
  },
  sample: {
    summary: 'rows to look at by hand, the same for everybody who has the seed',
    load: async () => (await import('./commands/sample')).registerSample,
  },
  report: {
    summary: 'a day or a week on a page: spend, caps, what went wrong; Markdown or HTML',
    load: async () => (await import('./commands/report')).registerReport,
  },
  export: {
    summary: 'rows for somebody else, with a header that shows that none is missing',
    load: async () => (await import('./commands/export')).registerExport,
  },
  tail: {
    summary: 'the last rows, and with -f those that come',
    load: async () => (await import('./commands/tail')).registerTail,
  },
  reconstruct: {
    summary: 'the story of a run or a decision, for a stranger: who, what, on whose authority',
    load: async () => (await import('./commands/reconstruct')).registerReconstruct,
  },
  runs: {
    summary: 'every run, a line each: state, cost, length, what was found',
    load: async () => (await import('./commands/streams')).registerRuns,
  },
  decisions: {
    summary: 'every decision, a line each: state, outcome, risk, cost, what was found',
    load: async () => (await import('./commands/streams')).registerDecisions,
  },
  proof: {
    summary: 'an order from payment to what was delivered, each missing link named; margins',
    load: async () => (await import('./commands/proof')).registerProof,
  },
  metrics: {
    summary: 'how decisions and runs go: approval latency, exceptions, gates, risk, drift',
    load: async () => (await import('./commands/metrics')).registerMetrics,
  },
  schema: {
    summary: 'the types of rows that catalogues describe: list, show one, check a file',
    load: async () => (await import('./commands/schema')).registerSchema,
  },
  lint: {
    summary: 'hold stored rows against the catalogues, and look for what a trail leaves out',
    load: async () => (await import('./commands/lint')).registerLint,
  },
  bundle: {
    summary: 'evidence for somebody else: a run or a decision with its proofs, signed; and checking it',
    load: async () => {
      const { registerBundle } = await import('./commands/bundle');
      return (program, io) =>
        registerBundle(program, io, async () => ({
          ...(await import('../services/bundleCreate')),
          ...(await import('./bundlePage')),
        }));
    },
  },
  key: {
    summary: 'keys of people: make one, list, trust; rows are signed with them',
    load: async () => (await import('./commands/key')).registerKey,
  },
  checkpoint: {
    summary: 'sign the ledger as it stands, so that a cut tail or a rewrite shows',
    load: async () => (await import('./commands/checkpoint')).registerCheckpoint,
  },
  disclose: {
    summary: 'one sealed value, with what shows that it is the one',
    load: async () => (await import('./commands/disclose')).registerDisclose,
  },
  erase: {
    summary: 'take a sealed value out for good; a row says who and why',
    load: async () => (await import('./commands/erase')).registerErase,
  },
  prove: {
    summary: 'a file that shows a stranger: this row was in it, it only grew, two were signed as one',
    load: async () => (await import('./commands/prove')).registerProve,
  },
  shellenv: {
    summary: 'a shell function that appends without starting a program: ledger_append',
    load: async () => (await import('./commands/shellenv')).registerShellenv,
  },
  completion: {
    summary: 'completion of commands, flags and values seen, for bash, zsh and fish',
    load: async () => {
      const { registerCompletion } = await import('./commands/completion');
      return (program, io) => registerCompletion(program, io, COMMANDS);
    },
  },
  selftest: {
    summary: 'attacks on a scratch ledger: is each caught, by what, and what is left',
    load: async () => (await import('./commands/selftest')).registerSelftest,
  },
  doctor: {
    summary: 'is everything well around the ledger, and what to do where not',
    load: async () => (await import('./commands/doctor')).registerDoctor,
  },
};
