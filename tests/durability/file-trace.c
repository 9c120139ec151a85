/* LD_PRELOAD layer: records every write, truncation, creation, removal and sync of the files under $NOROSHI_TRACE_FOLDER,
 * and every write to stdout, in order, to $NOROSHI_TRACE_FILE. A record is: op (1 byte), path length (u16), path,
 * offset (i64), data length (u32), data; little-endian. A write is recorded before it is done; a sync when it begins (S)
 * and, if it succeeded, when it has returned (E).
 * With $NOROSHI_FULL_FLAG naming an existing file, writes under the folder fail with ENOSPC instead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace_fd = -2;
static const char *folder, *full_flag;

static void start(void) {
  if (trace_fd != -2) return;
  const char *file = getenv("NOROSHI_TRACE_FILE");
  folder = getenv("NOROSHI_TRACE_FOLDER");
  full_flag = getenv("NOROSHI_FULL_FLAG");
  trace_fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
}

static void put(const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    long done = syscall(SYS_write, trace_fd, at, length);
    if (done <= 0) abort();
    at += done;
    length -= (size_t)done;
  }
}

static void record(char op, const char *path, int64_t offset, const void *data, uint32_t length) {
  pthread_mutex_lock(&lock);
  start();
  if (trace_fd >= 0) {
    uint16_t path_length = (uint16_t)strlen(path);
    put(&op, 1);
    put(&path_length, 2);
    put(path, path_length);
    put(&offset, 8);
    put(&length, 4);
    put(data, length);
  }
  pthread_mutex_unlock(&lock);
}

/* Path of an open file under the folder, "" for the folder itself, or 0. */
static const char *within(const char *path) {
  start();
  if (!folder) return 0;
  size_t length = strlen(folder);
  if (strncmp(path, folder, length) != 0) return 0;
  if (path[length] == 0) return path + length;
  return path[length] == '/' ? path + length + 1 : 0;
}

static const char *path_of(int fd, char *buffer, size_t size) {
  char link[40] = "/proc/self/fd/";
  char digits[12];
  int at = 0, n = fd;
  do digits[at++] = (char)('0' + n % 10); while ((n /= 10) > 0);
  size_t end = strlen(link);
  while (at > 0) link[end++] = digits[--at];
  link[end] = 0;
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, size - 1);
  if (length <= 0) return 0;
  buffer[length] = 0;
  return within(buffer);
}

static int is_full(void) { return full_flag && syscall(SYS_faccessat, AT_FDCWD, full_flag, F_OK) == 0; }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int before_write(int fd, const void *data, size_t length, int64_t offset) {
  char buffer[4096];
  if (fd == 1) {
    record('A', "", 0, data, (uint32_t)length);
    return 0;
  }
  const char *path = path_of(fd, buffer, sizeof buffer);
  if (!path || !*path) return 0;
  if (is_full()) {
    errno = ENOSPC;
    return -1;
  }
  record('W', path, offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset, data, (uint32_t)length);
  return 0;
}

ssize_t write(int fd, const void *data, size_t length) {
  return before_write(fd, data, length, -1) < 0 ? -1 : REAL(write)(fd, data, length);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return before_write(fd, data, length, offset) < 0 ? -1 : REAL(pwrite)(fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  return before_write(fd, data, length, offset) < 0 ? -1 : REAL(pwrite64)(fd, data, length, offset);
}

static void truncated(int fd, int64_t length) {
  char buffer[4096];
  const char *path = path_of(fd, buffer, sizeof buffer);
  if (path && *path) record('T', path, length, "", 0);
}
int ftruncate(int fd, off_t length) { truncated(fd, length); return REAL(ftruncate)(fd, length); }
int ftruncate64(int fd, off64_t length) { truncated(fd, length); return REAL(ftruncate64)(fd, length); }

static int synced(int fd, int (*real)(int)) {
  char buffer[4096];
  const char *path = path_of(fd, buffer, sizeof buffer);
  if (path) record('S', path, 0, "", 0);
  int result = real(fd);
  if (path && result == 0) record('E', path, 0, "", 0);
  return result;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int unlink(const char *name) {
  const char *path = within(name);
  if (path && *path) record('U', path, 0, "", 0);
  return REAL(unlink)(name);
}

static void created(const char *name, int flags) {
  const char *path = (flags & O_CREAT) ? within(name) : 0;
  if (path && *path) record('C', path, 0, "", 0);
}
#define OPEN(function) \
  int function(const char *name, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = (mode_t)va_arg(rest, int); \
    va_end(rest); \
    created(name, flags); \
    return REAL(function)(name, flags, mode); \
  }
OPEN(open)
OPEN(open64)
