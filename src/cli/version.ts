/** The program's version, which the build puts in. */
declare const LEDGER_VERSION: string | undefined;

export const VERSION = typeof LEDGER_VERSION === 'string' ? LEDGER_VERSION : '0.0.0-source';
