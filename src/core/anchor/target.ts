/**
 * Where heads of the ledger are anchored, as a person writes it:
 *
 *   file:/mnt/stick/heads/        git:../anchors        git:../anchors#heads        cmd:mail -s head auditor@example.org
 *   rfc3161:https://tsa.example/tsr        rfc3161:https://tsa.example/tsr#ca=tsa-ca.pem        witness:https://witness.example/
 */
import { sha256Hex } from '../digest';
import { LedgerError } from '../errors';
import { nearest } from '../nearest';
import { printable } from '../printable';

export const ANCHOR_KINDS = ['file', 'git', 'cmd', 'rfc3161', 'witness'] as const;

export type AnchorTarget =
  /** A path that ends in `/`, or that is a folder, takes every head; a file the newest one. */
  | { readonly kind: 'file'; readonly path: string }
  /** Without a branch: the one that is checked out. */
  | { readonly kind: 'git'; readonly path: string; readonly branch: string | undefined }
  | { readonly kind: 'cmd'; readonly command: string; readonly folder: string }
  /** `ca`: a file with the certificates that its stamps are checked by. */
  | { readonly kind: 'rfc3161'; readonly url: string; readonly ca: string | undefined }
  | { readonly kind: 'witness'; readonly url: string };

const MAX_CHARS = 4_000;
const BRANCH = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
const PROGRAM = /^[A-Za-z0-9._/-]+$/;
const DIGEST_CHARS = 8;

/** @throws LedgerError USAGE; no message repeats an address or a command, which may hold a password */
export function parseAnchor(text: string): AnchorTarget {
  const colon = text.indexOf(':');
  const [word, rest] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  const kind = ANCHOR_KINDS.find((one) => one === word);
  if (kind === undefined) throw unknownKind(word, colon >= 0);
  if (rest.trim() === '') throw wrongAnchor(kind, `something behind "${kind}:"`, 'nothing');
  if (rest.length > MAX_CHARS) throw wrongAnchor(kind, `at most ${MAX_CHARS} characters`, `${rest.length}`);
  if (CONTROL.test(rest)) throw wrongAnchor(kind, 'one line of text', 'control characters');
  switch (kind) {
    case 'file':
      return { kind, path: rest };
    case 'git':
      return gitTarget(rest);
    case 'cmd':
      return { kind, command: rest, folder: '.' };
    case 'rfc3161':
      return stampTarget(rest);
    case 'witness':
      return { kind, url: urlOf(kind, rest).href };
  }
}

/** A branch can be named behind the last `#`; a path with one in it ends in another. */
function gitTarget(rest: string): AnchorTarget {
  const hash = rest.lastIndexOf('#');
  if (hash < 0) return { kind: 'git', path: rest, branch: undefined };
  const [path, branch] = [rest.slice(0, hash) || '.', rest.slice(hash + 1)];
  if (branch === '') return { kind: 'git', path, branch: undefined };
  if (!BRANCH.test(branch)) throw wrongAnchor('git', 'the name of a branch behind "#"', JSON.stringify(branch));
  return { kind: 'git', path, branch };
}

function stampTarget(rest: string): AnchorTarget {
  const url = urlOf('rfc3161', rest);
  const fragment = rest.includes('#') ? rest.slice(rest.indexOf('#') + 1) : '';
  if (fragment !== '' && !/^ca=./.test(fragment))
    throw wrongAnchor('rfc3161', '"#ca=FILE" behind the address, or nothing', `#${fragment.slice(0, 40)}`);
  url.hash = '';
  return { kind: 'rfc3161', url: url.href, ca: fragment === '' ? undefined : fragment.slice('ca='.length) };
}

function urlOf(kind: 'rfc3161' | 'witness', text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw wrongAnchor(kind, 'an address that begins with https:// or http://', url === undefined ? 'none' : url.protocol); // prettier-ignore
  return url;
}

function unknownKind(word: string, hasColon: boolean): LedgerError {
  const found = hasColon ? `"${printable(word.slice(0, 40))}:"` : 'none of these';
  return new LedgerError('USAGE', `expected an anchor that begins with file:, git:, cmd:, rfc3161: or witness:, found ${found}`, {
    hint: hasColon ? `did you mean "${nearest(word, ANCHOR_KINDS)}:"?` : 'for instance --to file:/mnt/stick/heads/, --to git:../anchors',
  }); // prettier-ignore
}

function wrongAnchor(kind: AnchorTarget['kind'], wanted: string, found: string): LedgerError {
  return new LedgerError('USAGE', `expected of an anchor ${kind}: ${wanted}, found ${printable(found)}`);
}

/** The target with its paths made whole by `resolve`. */
export function withPaths(target: AnchorTarget, resolve: (path: string) => string): AnchorTarget {
  switch (target.kind) {
    case 'file': {
      const path = resolve(target.path);
      return { ...target, path: /[/\\]$/.test(target.path) && !path.endsWith('/') ? `${path}/` : path };
    }
    case 'git':
      return { ...target, path: resolve(target.path) };
    case 'cmd':
      return { ...target, folder: resolve(target.folder) };
    case 'rfc3161':
      return target.ca === undefined ? target : { ...target, ca: resolve(target.ca) };
    case 'witness':
      return target;
  }
}

/**
 * The name by which rows and messages know a target: without passwords, and without the words of a command, which are told
 * apart by a few digits of their hash.
 */
export function anchorName(target: AnchorTarget): string {
  switch (target.kind) {
    case 'file':
      return `file:${target.path}`;
    case 'git':
      return `git:${target.path}${target.branch === undefined ? '' : `#${target.branch}`}`;
    case 'cmd':
      return `cmd:${programOf(target.command)}#${sha256Hex(target.command).slice(0, DIGEST_CHARS)}`;
    case 'rfc3161':
    case 'witness':
      return `${target.kind}:${shownUrl(target.url)}`;
  }
}

function programOf(command: string): string {
  const [first = ''] = command.trim().split(/\s/);
  return PROGRAM.test(first) ? first.slice(first.lastIndexOf('/') + 1) : 'sh';
}

/** An address without who asks and what for. */
export function shownUrl(text: string): string {
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** The host of an address. */
export function hostOf(text: string): string {
  return new URL(text).host;
}

const PLAIN_ORIGIN = /^[A-Za-z0-9][A-Za-z0-9./-]{0,99}$/;

/** The name of files for the heads of an origin: no two origins have the same. */
export function fileNameOf(origin: string): string {
  if (PLAIN_ORIGIN.test(origin)) return origin.replaceAll('/', '_');
  const cleaned = origin.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^[.-]/, '_');
  return `${cleaned.slice(0, 80)}-${sha256Hex(origin).slice(0, DIGEST_CHARS)}`;
}
