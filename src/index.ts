/**
 * The library: the same ledger, the same guarantees, from a program.
 *
 *   import { openLedger } from 'ledger';
 *   const ledger = openLedger({ dir: './state' });
 *   const [receipt] = await ledger.append([{ agent: 'coder', action: 'tool.call', cost_usd: '0.0123' }]);
 *   await ledger.close();
 */
export { LedgerError } from './core/errors';
export type { ErrorCode, Place, RefusalCode, SpillCode } from './core/errors';
export type { Row, RowInput } from './core/members';
export { openLedger } from './services/library';
export type { Ledger, LedgerOptions, LibraryReceipt } from './services/library';
