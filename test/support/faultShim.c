/* Faults that strace cannot make: a write to one file that is cut at byte k.
 *
 *   LD_PRELOAD=faultShim.so FAULT_PATH=audit.jsonl FAULT_AT=1 FAULT_MODE=kill FAULT_BYTES=k node ...
 *
 * The FAULT_AT-th write (from 1; for err also the FAULT_TIMES - 1 after it, 0 = for ever) to a file whose path ends in
 * FAULT_PATH stores its first k bytes, and then, by mode:
 *   kill     the process dies
 *   zero     the rest is stored as zero bytes (a file that grew before its data came), then the process dies
 *   zeroline as zero, but the last byte is a newline
 *   garbage  the rest is stored as bytes that are no text, then the process dies
 *   stop     nothing is stored yet and the process is stopped (SIGSTOP); when it goes on, so does the write
 *   short    the write returns k: no error, the caller has to go on
 *   err      the write fails with errno FAULT_ERRNO (after the k bytes, as a disk that fills up does) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);

static long seen;

static long number(const char *name, long fallback) {
  const char *text = getenv(name);
  return text ? atol(text) : fallback;
}

static int is_target(int fd) {
  const char *wanted = getenv("FAULT_PATH");
  char link[64], path[4096];
  if (!wanted) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t tail = strlen(wanted);
  return (size_t)length >= tail && strcmp(path + length - tail, wanted) == 0;
}

/* At an offset, or (offset < 0) where the descriptor stands. */
static ssize_t plain(int fd, const void *data, size_t length, off_t offset) {
  if (offset < 0) return ((write_fn)dlsym(RTLD_NEXT, "write"))(fd, data, length);
  return ((pwrite_fn)dlsym(RTLD_NEXT, "pwrite64"))(fd, data, length, offset);
}

static ssize_t faulty(int fd, const void *data, size_t length, off_t offset) {
  const char *mode = getenv("FAULT_MODE");
  long at = number("FAULT_AT", 1), times = number("FAULT_TIMES", 1);
  if (!mode || !is_target(fd)) return plain(fd, data, length, offset);
  seen++;
  if (seen < at || (times != 0 && seen >= at + times)) return plain(fd, data, length, offset);
  if (strcmp(mode, "stop") == 0) {
    kill(getpid(), SIGSTOP);
    return plain(fd, data, length, offset);
  }
  size_t kept = (size_t)number("FAULT_BYTES", 0);
  if (kept > length) kept = length;
  if (kept > 0) plain(fd, data, kept, offset);
  if (strcmp(mode, "short") == 0) return (ssize_t)kept;
  if (strcmp(mode, "err") == 0) {
    errno = (int)number("FAULT_ERRNO", ENOSPC);
    return -1;
  }
  if (strcmp(mode, "kill") != 0 && kept < length) {
    char *rest = malloc(length - kept);
    memset(rest, mode[0] == 'g' ? 0xfe : 0, length - kept);
    if (strcmp(mode, "zeroline") == 0) rest[length - kept - 1] = '\n';
    plain(fd, rest, length - kept, offset < 0 ? offset : offset + (off_t)kept);
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

ssize_t write(int fd, const void *data, size_t length) { return faulty(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return faulty(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return faulty(fd, data, length, offset); }
