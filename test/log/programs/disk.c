/*
 * Stands between a program and the files of one directory (LD_PRELOAD), as a disk would that can lose power or break.
 * DISK_DIR: the directory. DISK_TRACE: a file to which every write, truncation and sync in it is appended, and every line
 * that the program prints, in order. DISK_FAIL_SYNC: this sync, counted from 1, fails with EIO.
 * Must never change anything else that the program does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -2;
static long syncs = 0;

/* The name of the file in the directory, or NULL when it lies elsewhere. */
static const char *ours(int fd, char *path, size_t size) {
  const char *dir = getenv("DISK_DIR");
  char link[64];
  if (dir == NULL) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return NULL;
  path[length] = 0;
  size_t prefix = strlen(dir);
  return strncmp(path, dir, prefix) == 0 && path[prefix] == '/' ? path + prefix + 1 : NULL;
}

/* A record: kind, length of the name, offset, length of the data; then name and data. Call with the lock held. */
static void record(char kind, const char *name, int64_t offset, const void *data, uint32_t length) {
  if (trace == -2) {
    const char *file = getenv("DISK_TRACE");
    trace = file == NULL ? -1 : open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (trace < 0) return;
  unsigned char head[14];
  head[0] = kind;
  head[1] = strlen(name);
  memcpy(head + 2, &offset, 8);
  memcpy(head + 10, &length, 4);
  struct iovec parts[3] = {{head, sizeof head}, {(void *)name, head[1]}, {(void *)data, length}};
  if (syscall(SYS_writev, trace, parts, 3) < 0) abort();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITE(call, name_, offset_, data_, length_)             \
  pthread_mutex_lock(&lock);                                    \
  ssize_t done = call;                                          \
  int error = errno;                                            \
  if (done > 0) record('w', name_, offset_, data_, (uint32_t)done); \
  pthread_mutex_unlock(&lock);                                  \
  errno = error;                                                \
  return done;

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  char path[4096];
  const char *name = ours(fd, path, sizeof path);
  if (name == NULL) return syscall(SYS_pwrite64, fd, data, length, offset);
  WRITE(syscall(SYS_pwrite64, fd, data, length, offset), name, offset, data, length)
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
  char path[4096];
  const char *name = fd == 1 ? "" : ours(fd, path, sizeof path);
  if (name == NULL) return syscall(SYS_write, fd, data, length);
  if (fd == 1) {
    pthread_mutex_lock(&lock);
    record('p', "", 0, data, (uint32_t)length);
    pthread_mutex_unlock(&lock);
    return syscall(SYS_write, fd, data, length);
  }
  off_t at = lseek(fd, 0, SEEK_CUR);
  WRITE(syscall(SYS_write, fd, data, length), name, at, data, length)
}

static int truncated(int fd, off64_t size) {
  char path[4096];
  const char *name = ours(fd, path, sizeof path);
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_ftruncate, fd, size);
  int error = errno;
  if (done == 0 && name != NULL) record('t', name, size, "", 0);
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

static int synced(int fd, long call) {
  char path[4096];
  const char *name = ours(fd, path, sizeof path);
  if (name == NULL) return (int)syscall(call, fd);
  const char *fail = getenv("DISK_FAIL_SYNC");
  pthread_mutex_lock(&lock);
  syncs += 1;
  int broken = fail != NULL && syncs == atol(fail);
  int done = broken ? -1 : (int)syscall(call, fd);
  if (done == 0) record('s', name, 0, "", 0);
  pthread_mutex_unlock(&lock);
  if (broken) errno = EIO;
  return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
