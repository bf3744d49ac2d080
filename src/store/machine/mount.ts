/**
 * On what a folder lies: the file system's type and options from Linux's mount table, and its free space. A question,
 * never a condition: where the system does not say, the answer is undefined.
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue     (/proc/self/mountinfo)
 */
import { readFileSync, statfsSync } from 'node:fs';

export interface Mount {
  readonly path: string;
  readonly type: string;
  readonly readOnly: boolean;
  /** Whether other machines may write there: a kernel lock may not reach them. */
  readonly network: boolean;
}

const NETWORK =
  /^(nfs4?|cifs|smb3|smbfs|9p|afs|ceph|glusterfs|lustre|gpfs|orangefs|beegfs|virtiofs|vboxsf|vmhgfs|fuse\.(sshfs|glusterfs|ceph|s3fs|rclone|gcsfuse|vmhgfs-fuse|smbnetfs|davfs2?)|davfs2?)$/;

export function mountOf(dir: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountTable().split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , , point = '', options = ''] = left.split(' ');
    const [type = '', , superOptions = ''] = right.split(' ');
    const path = unescapeOctal(point);
    if (path === '' || !isInside(dir, path) || path.length < (best?.path.length ?? 0)) continue;
    const readOnly = [options, superOptions].some((list) => list.split(',').includes('ro'));
    // A later line for the same point lies over the earlier one.
    best = { path, type, readOnly, network: NETWORK.test(type) };
  }
  return best;
}

function mountTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

function isInside(dir: string, point: string): boolean {
  return point === '/' || dir === point || dir.startsWith(`${point}/`);
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

export interface FreeSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 where the file system does not count them. */
  readonly totalInodes: number;
}

/** What an unprivileged process can still use; undefined where the folder is missing or the system does not say. */
export function freeSpace(dir: string): FreeSpace | undefined {
  try {
    const { bavail, blocks, bsize, ffree, files } = statfsSync(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeInodes: ffree, totalInodes: files };
  } catch {
    return undefined;
  }
}
