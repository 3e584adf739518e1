/* Preloaded into a gateway by preloaded.rs.

   A disk that fails: while the file that HEYAN_TEST_EIO names exists, nothing is written or synced, and every attempt is EIO.

   A death at a chosen point: once the file that HEYAN_TEST_ARMED names exists, points are counted, and at the one that
   HEYAN_TEST_KILL names ("before sync 12") the process is killed. Points are `write` and `sync` of files, `commit` (COMMIT goes to
   a database server) and `committed` (its answer comes, known after it was read alone). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(result, name, types)            \
  static result(*real) types;                \
  if (!real) real = (result(*) types)dlsym(RTLD_NEXT, #name)

static int is_there(const char *variable) {
  const char *file = getenv(variable);
  int before = errno, found = file && access(file, F_OK) == 0;
  errno = before;
  return found;
}

static void point(const char *when, const char *what) {
  static atomic_long passed;
  char its_when[16], its_what[16];
  long its_number;
  const char *chosen = getenv("HEYAN_TEST_KILL");
  if (!chosen || sscanf(chosen, "%15s %15s %ld", its_when, its_what, &its_number) != 3) return;
  if (strcmp(when, its_when) || strcmp(what, its_what) || !is_there("HEYAN_TEST_ARMED")) return;
  if (atomic_fetch_add(&passed, 1) + 1 == its_number) kill(getpid(), SIGKILL);
}

static int is_file(int fd) {
  struct stat found;
  int before = errno, regular = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
  errno = before;
  return regular;
}

#define FAILING(result, what, name, types, names)        \
  result name types {                                    \
    REAL(result, name, types);                           \
    if (!is_file(fd)) return real names;                 \
    if (is_there("HEYAN_TEST_EIO")) return errno = EIO, -1; \
    point("before", what);                               \
    result done = real names;                            \
    point("after", what);                                \
    return done;                                         \
  }

FAILING(int, "sync", fsync, (int fd), (fd))
FAILING(int, "sync", fdatasync, (int fd), (fd))
FAILING(ssize_t, "write", write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
FAILING(ssize_t, "write", pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
FAILING(ssize_t, "write", pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))

static int says_commit(const void *bytes, ssize_t count) { return count > 0 && memmem(bytes, count, "COMMIT", 6); }

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  REAL(ssize_t, send, (int, const void *, size_t, int));
  int commits = says_commit(bytes, count);
  if (commits) point("before", "commit");
  ssize_t sent = real(fd, bytes, count, flags);
  if (commits) point("after", "commit");
  return sent;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, (int, const struct iovec *, int));
  int commits = 0;
  for (int at = 0; at < count; at++) commits |= says_commit(parts[at].iov_base, parts[at].iov_len);
  if (commits) point("before", "commit");
  ssize_t sent = real(fd, parts, count);
  if (commits) point("after", "commit");
  return sent;
}

ssize_t recv(int fd, void *bytes, size_t count, int flags) {
  REAL(ssize_t, recv, (int, void *, size_t, int));
  ssize_t received = real(fd, bytes, count, flags);
  if (says_commit(bytes, received)) point("after", "committed");
  return received;
}
