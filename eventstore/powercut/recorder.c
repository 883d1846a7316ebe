/* Writes down what a program does to the files of one directory, for the power cuts that main.rs plays through.
 *
 * Preloaded into the program. POWERCUT_ROOT names the directory, POWERCUT_TRACE the file to write to, POWERCUT_MARKS a
 * file whose writes are not kept but noted as marks. An fsync is noted and not carried out: the simulation decides
 * what was durable, and the run is quicker.
 *
 * An entry: kind (1 byte), file number (4), offset (8), length (4), and so many bytes, all little-endian.
 *   O open: offset holds the flags, bytes the path    W write    T set length: offset    S sync
 *   D make directory: path    N rename: two paths, each ended by a zero byte    U remove: path    M mark: bytes
 * Paths are relative to the root.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 65536, MARKS = -1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char root[PATH_MAX], marks[PATH_MAX];
static size_t root_length;
static int number_of[FILES_MAX]; /* 0: none of our business */
static int numbers;

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv("POWERCUT_ROOT"), *to = getenv("POWERCUT_TRACE"), *mark = getenv("POWERCUT_MARKS");
    if (!directory || !to || !mark) return;
    snprintf(root, sizeof root, "%s", directory);
    snprintf(marks, sizeof marks, "%s", mark);
    root_length = strlen(root);
    trace = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    unsetenv("LD_PRELOAD"); /* children have nothing to say */
}

static void put(const void *bytes, size_t length) {
    const char *from = bytes;
    while (length) {
        long written = syscall(SYS_write, trace, from, length);
        if (written <= 0) abort();
        from += written;
        length -= written;
    }
}

static void note(char kind, uint32_t file, uint64_t offset, const void *bytes, uint32_t length) {
    char entry[17];
    entry[0] = kind;
    memcpy(entry + 1, &file, 4);
    memcpy(entry + 5, &offset, 8);
    memcpy(entry + 13, &length, 4);
    put(entry, sizeof entry);
    put(bytes, length);
}

/* Returns the path below the root, or null if it is elsewhere. */
static const char *ours(int at, const char *path, char *full) {
    if (trace < 0) return NULL;
    if (path[0] == '/' || at == AT_FDCWD) {
        snprintf(full, PATH_MAX, "%s", path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        long length = syscall(SYS_readlinkat, AT_FDCWD, link, full, PATH_MAX - 1);
        if (length < 0) return NULL;
        snprintf(full + length, PATH_MAX - length, "/%s", path);
    }
    if (strncmp(full, root, root_length) || (full[root_length] != '/' && full[root_length])) return NULL;
    return full + root_length;
}

static int number(int file) { return file >= 0 && file < FILES_MAX ? number_of[file] : 0; }

static int open_and_note(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    pthread_mutex_lock(&lock);
    int file = syscall(SYS_openat, at, path, flags, mode);
    if (file >= 0 && file < FILES_MAX) {
        number_of[file] = 0;
        const char *name = ours(at, path, full);
        struct stat status;
        if (trace >= 0 && !strcmp(path, marks)) {
            number_of[file] = MARKS;
        } else if (name && !fstat(file, &status)) {
            number_of[file] = ++numbers;
            if (S_ISDIR(status.st_mode)) flags |= O_DIRECTORY;
            note('O', number_of[file], flags, name, strlen(name));
        }
    }
    pthread_mutex_unlock(&lock);
    return file;
}

#define MODE_OF(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE_OF(flags) return open_and_note(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_and_note(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_and_note(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_and_note(at, path, flags, mode); }

int close(int file) {
    pthread_mutex_lock(&lock);
    if (file >= 0 && file < FILES_MAX) number_of[file] = 0;
    int result = syscall(SYS_close, file);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) {
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_pwrite64, file, bytes, length, offset);
    if (written > 0 && number(file) > 0) note('W', number(file), offset, bytes, written);
    pthread_mutex_unlock(&lock);
    return written;
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return pwrite64(file, bytes, length, offset); }

ssize_t write(int file, const void *bytes, size_t length) {
    pthread_mutex_lock(&lock);
    ssize_t written = syscall(SYS_write, file, bytes, length);
    if (written > 0 && number(file) == MARKS) note('M', 0, 0, bytes, written);
    if (written > 0 && number(file) > 0) {
        note('W', number(file), syscall(SYS_lseek, file, 0, SEEK_CUR) - written, bytes, written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    /* A short write is a lawful answer: the caller comes back with the rest. */
    for (int part = 0; part < count; part++) {
        if (parts[part].iov_len) return write(file, parts[part].iov_base, parts[part].iov_len);
    }
    return 0;
}

int ftruncate64(int file, off_t length) {
    pthread_mutex_lock(&lock);
    int result = syscall(SYS_ftruncate, file, length);
    if (!result && number(file) > 0) note('T', number(file), length, "", 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int sync_noted(int file) {
    pthread_mutex_lock(&lock);
    int result = 0;
    if (number(file) > 0) note('S', number(file), 0, "", 0);
    else result = syscall(SYS_fsync, file);
    pthread_mutex_unlock(&lock);
    return result;
}
int fsync(int file) { return sync_noted(file); }
int fdatasync(int file) { return sync_noted(file); }

int mkdir(const char *path, mode_t mode) {
    char full[PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    const char *name = result ? NULL : ours(AT_FDCWD, path, full);
    if (name) note('D', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    char full_from[PATH_MAX], full_to[PATH_MAX], both[2 * PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    const char *old = result ? NULL : ours(AT_FDCWD, from, full_from), *new = ours(AT_FDCWD, to, full_to);
    if (old && new) {
        size_t old_length = strlen(old) + 1, new_length = strlen(new) + 1;
        memcpy(both, old, old_length);
        memcpy(both + old_length, new, new_length);
        note('N', 0, 0, both, old_length + new_length);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int unlinkat(int at, const char *path, int flags) {
    char full[PATH_MAX];
    pthread_mutex_lock(&lock);
    const char *name = ours(at, path, full);
    int result = syscall(SYS_unlinkat, at, path, flags);
    if (!result && name) note('U', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
