/** The flags with which a command shows content, where the config asks for a reason ("access"). */
import type { Command } from 'commander';
import type { ReadAsked } from '../services/query';
import type { Io } from './io';
import type { GlobalFlags } from './options';
import { talkOf } from './talk';

export interface AccessFlags {
  readonly raw?: boolean;
  readonly reason?: string;
  readonly reader?: string;
}

export const ACCESS_HELP = `Where the config says "access": {"raw": "break-glass"}, rows are summaries, without payloads and members of one's own, and
only what they show can be asked about. --raw shows all of it to those who may, with --reason; a row says so first.`;

/** `--actor` is a condition where rows are asked for, so who asks has a name of their own. */
export function addAccessFlags(command: Command): Command {
  return command
    .option('--reason <text>', 'why content is shown, where the config asks for that')
    .option('--reader <name>', 'who reads (default: $LEDGER_ACTOR, else the login)');
}

export function askedBy(io: Io, flags: AccessFlags & GlobalFlags): ReadAsked {
  const { raw = false, reason, reader: actor } = flags;
  return { raw, reason, actor, events: talkOf(io, flags) };
}

/** Of a command that shows nothing but content: it needs no --raw, and a reason where the config asks for one. */
export const CONTENT_HELP = `Where the config says "access": {"raw": "break-glass"}, it needs --reason, and a row says first who reads it and why.`;
