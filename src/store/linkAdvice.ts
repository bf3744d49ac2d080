/** What to do about links in the place of the ledger's files and folders: nothing that may be the record must go. */

/** What to do about a link in the place of a folder within the state folder. */
export const INNER_LINK_ADVICE = 'put the folder itself, with all that is in it, in the place of the link';

/** What to do about a file that is reached by another name too: what it holds may be the record, and must not go. */
export function ownFileAdvice(path: string): string {
  return `remove no content: put a copy in its place, cp -p '${path}' '${path}.new' && mv '${path}.new' '${path}'; or remove the other name`;
}

/** What to do about a symlink in the place of a file. */
export function linkAdvice(path: string): string {
  return `put the file itself in its place: cp -p '${path}' '${path}.new' && mv '${path}.new' '${path}'; where what it points to is none of the ledger's, remove the link`;
}
