/** The file of openings, for `doctor`: whether it is what a writer can add to, and nobody else can read. */
import { bad, ok, sizeText, warn } from '../../core/checkup';
import type { Checkup } from '../../core/checkup';
import { statOf } from '../files';
import type { StatePaths } from '../paths';

const NAME = 'sealed';

export function checkSealed({ sealed: path }: StatePaths): Checkup {
  const stats = statOf(path);
  if (stats === undefined) return ok(NAME, 'nothing is sealed yet');
  const euid = process.geteuid?.();
  const mode = (stats.mode & 0o7777).toString(8);
  if (!stats.isFile())
    return bad(NAME, `${path} is no regular file: nothing can be sealed, disclosed or erased`, 'move it away, and bring sealed.jsonl back from a backup'); // prettier-ignore
  if (stats.nlink > 1)
    return bad(NAME, `${path} has ${stats.nlink} names: nothing is written to it`, `find what else it is: find / -xdev -inum ${stats.ino}`); // prettier-ignore
  if (euid !== undefined && stats.uid !== euid)
    return warn(NAME, `${path} is uid ${stats.uid}'s, this is uid ${euid}`, `seal and erase as its owner: sudo -u '#${stats.uid}' ledger …`); // prettier-ignore
  if ((stats.mode & 0o077) !== 0)
    return bad(NAME, `others can read what is sealed (mode ${mode})`, `chmod 600 '${path}'`);
  if ((stats.mode & 0o600) !== 0o600)
    return bad(NAME, `its owner cannot read or write ${path} (mode ${mode})`, `chmod 600 '${path}'`);
  return ok(NAME, `${sizeText(stats.size)} of openings, mode ${mode}`);
}
