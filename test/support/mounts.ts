/**
 * File systems for tests: small tmpfs, loop-mounted images, read-only and overlay mounts. All of it needs root; every
 * mount goes away with its test.
 */
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { orNothing } from '../../src/core/errors';
import { missingTools } from './process';
import { atEnd } from './sandbox';

/** Why mounts cannot be tested here, or false. */
export function cannotMount(...tools: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to mount';
  return missingTools('mount', 'umount', ...tools);
}

/** Runs a tool that must succeed; its own words are in the error. */
export function tool(name: string, ...args: readonly string[]): string {
  return execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function mountAt(t: TestContext, folder: string, args: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  tool('mount', ...args, folder);
  atEnd(t, () => unmount(folder));
  return folder;
}

/** Takes a mount away; one that is gone already is no error. */
export function unmount(folder: string): void {
  try {
    tool('umount', folder);
  } catch {
    try {
      tool('umount', '-l', folder);
    } catch {
      // It was not mounted any more.
    }
  }
}

/** A small file system in memory, such as `size=64k` or `size=1m,nr_inodes=3`. */
export function tmpfs(t: TestContext, folder: string, options: string): string {
  return mountAt(t, folder, ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs']);
}

export type ImageKind = 'ext4' | 'ext4-writeback' | 'xfs' | 'btrfs';

export interface Image {
  readonly kind: ImageKind;
  readonly file: string;
  readonly mount: string;
}

const IMAGES: Readonly<Record<ImageKind, { mkfs: readonly string[]; size: number; options: string; again: string }>> = {
  ext4: { mkfs: ['mkfs.ext4', '-q', '-F'], size: 24, options: 'loop', again: 'loop' },
  'ext4-writeback': {
    mkfs: ['mkfs.ext4', '-q', '-F'],
    size: 24,
    options: 'loop,data=writeback,nodelalloc,commit=1',
    again: 'loop',
  },
  xfs: { mkfs: ['mkfs.xfs', '-q', '-f'], size: 320, options: 'loop', again: 'loop,nouuid' },
  // A small row that is synced costs btrfs some 12 KB: a hundred cuts on a slow machine must still fit.
  btrfs: { mkfs: ['mkfs.btrfs', '-q', '-f'], size: 640, options: 'loop', again: 'loop' },
};

/** The tools that an image of a kind needs. */
export function imageTools(kind: ImageKind): readonly string[] {
  return [IMAGES[kind].mkfs[0] as string];
}

/** Makes and mounts an image. */
export function loopImage(t: TestContext, root: string, kind: ImageKind): Image {
  const { mkfs, size, options } = IMAGES[kind];
  const file = join(root, `${kind}.img`);
  writeFileSync(file, '');
  truncateSync(file, size << 20);
  const [name, ...args] = mkfs as readonly [string, ...string[]];
  tool(name, ...args, file);
  const mount = mountAt(t, join(root, kind), ['-o', options, file]);
  return { kind, file, mount };
}

/**
 * A power cut: what the image holds now, mounted beside it as it would be after the next start. A copy takes its time,
 * which a power cut does not: a writer that went on meanwhile would leave a file of two moments. So it stands still.
 */
export function afterPowerCut(t: TestContext, image: Image, name: string, writer?: ChildProcess): string {
  const copy = `${image.file}.${name}`;
  try {
    if (writer !== undefined) standStill(writer);
    tool('cp', '--sparse=always', image.file, copy);
  } finally {
    writer?.kill('SIGCONT');
  }
  return mountAt(t, `${image.mount}.${name}`, ['-o', IMAGES[image.kind].again, copy]);
}

/** Stops a process, and waits until the last call that one of its threads is in has ended. */
function standStill({ pid }: ChildProcess): void {
  const tasks = `/proc/${pid}/task`;
  // A thread may end in between.
  const statOf = (task: string): string => orNothing(() => readFileSync(`${tasks}/${task}/stat`, 'latin1')) ?? ') T';
  const deadline = performance.now() + 10_000;
  process.kill(pid as number, 'SIGSTOP');
  while (readdirSync(tasks).some((task) => !statOf(task).includes(') T')))
    if (performance.now() > deadline) throw new Error(`expected process ${pid} to stand still, and it goes on`);
}

/** Drops a power cut's copy, so that a long test does not fill the disk. */
export function dropCut(image: Image, name: string): void {
  unmount(`${image.mount}.${name}`);
  rmSync(`${image.file}.${name}`, { force: true });
}

/** Mounts an image again after it was unmounted. */
export function remount(t: TestContext, image: Image): void {
  unmount(image.mount);
  mountAt(t, image.mount, ['-o', IMAGES[image.kind].options, image.file]);
}

/** The same folder, read only. */
export function readOnlyView(t: TestContext, folder: string, at: string): string {
  mountAt(t, at, ['--bind', folder]);
  tool('mount', '-o', 'remount,ro,bind', at);
  return at;
}

/** A folder as a container sees it: `lower` is never changed, what is written goes above it. */
export function overlay(t: TestContext, root: string, lower: string): string {
  const [upper, work] = ['upper', 'work'].map((name) => join(root, name)) as [string, string];
  for (const folder of [upper, work]) mkdirSync(folder, { recursive: true });
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  return mountAt(t, join(root, 'merged'), ['-t', 'overlay', '-o', options, 'overlay']);
}

/** Fills a mounted file system up to its last byte; returns how to free it again. */
export function fillUp(mount: string): () => void {
  const filler = join(mount, 'filler');
  const { bavail, bsize } = statfsSync(mount);
  for (let bytes = bavail * bsize; bytes > 0; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(filler, Buffer.alloc(bytes, 1), { flag: 'a' });
    } catch {
      // ENOSPC: try a smaller piece, down to one byte.
    }
  }
  return () => rmSync(filler, { force: true });
}

/** Uses up every inode of a mounted file system; returns how to free them again. */
export function useUpInodes(mount: string): () => void {
  const folder = join(mount, 'inodes');
  try {
    mkdirSync(folder);
    for (let i = 0; ; i++) writeFileSync(join(folder, String(i)), '');
  } catch {
    return () => {
      if (existsSync(folder)) for (const name of readdirSync(folder)) rmSync(join(folder, name));
      rmSync(folder, { recursive: true, force: true });
    };
  }
}
