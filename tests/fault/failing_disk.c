/* A disk that fails: while the file that HEYAN_TEST_EIO names exists, nothing is written or synced, and every attempt is EIO.
   Preloaded into a gateway by store.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(void) {
  const char *file = getenv("HEYAN_TEST_EIO");
  int before = errno, is_there = file && access(file, F_OK) == 0;
  errno = before;
  return is_there;
}

#define FAILING(result, name, types, names)                    \
  result name types {                                          \
    static result(*real) types;                                \
    if (!real) real = (result(*) types)dlsym(RTLD_NEXT, #name); \
    if (fails()) return errno = EIO, -1;                       \
    return real names;                                         \
  }

FAILING(int, fsync, (int fd), (fd))
FAILING(int, fdatasync, (int fd), (fd))
FAILING(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
FAILING(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
