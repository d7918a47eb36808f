/* Faults of a disk, for programs that are started with this library before all others (LD_PRELOAD).
 *
 * Only files in the folder FAULT_FOLDER are touched. The file FAULT_ORDERS says what happens, and is read before each call:
 *   kill N    at the N-th call from now on that writes, the process ends, and the call does not happen
 *   power N   the same, and what was not confirmed to be on the disk is lost, as in a loss of power
 *   full N    from the N-th call on, nothing can be written: there is no space left
 *   unsure N  from the N-th call on, the disk fails to confirm what was written
 *   count     nothing, but each call adds a byte to the file FAULT_COUNT
 * Anything else: nothing. SQLite's shared memory (-shm) is no file on the disk, and is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum call { WRITES, CONFIRMS, OTHER };

/* What was written and not confirmed, the newest first. */
struct undo {
    struct undo *older;
    char path[512];
    off_t offset, size;
    size_t length;
    char bytes[];
};

static struct undo *undos;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last_orders[64];
static long calls;

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

static int is_ours(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    size_t length = strlen(path);
    return folder && strncmp(path, folder, strlen(folder)) == 0 && (length < 4 || strcmp(path + length - 4, "-shm") != 0);
}

static int path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, 511);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

/* Remembers what a call is about to change in a file. */
static void remember(const char *path, off_t offset, size_t length) {
    struct stat found;
    int file = open(path, O_RDONLY);
    if (file < 0) return;
    if (fstat(file, &found) < 0) found.st_size = 0;
    size_t there = offset >= found.st_size ? 0 : (size_t)(found.st_size - offset);
    if (there > length) there = length;
    struct undo *undo = malloc(sizeof *undo + there);
    snprintf(undo->path, sizeof undo->path, "%s", path);
    undo->older = undos;
    undo->offset = offset;
    undo->size = found.st_size;
    undo->length = pread(file, undo->bytes, there, offset) == (ssize_t)there ? there : 0;
    undos = undo;
    close(file);
}

static void confirm(const char *path) {
    for (struct undo **at = &undos; *at;) {
        struct undo *undo = *at;
        if (strcmp(undo->path, path) == 0) {
            *at = undo->older;
            free(undo);
        } else {
            at = &undo->older;
        }
    }
}

static void lose_power(void) {
    for (struct undo *undo = undos; undo; undo = undo->older) {
        int file = open(undo->path, O_WRONLY);
        if (file < 0) continue;
        if (REAL(pwrite64)(file, undo->bytes, undo->length, undo->offset) < 0) abort();
        if (REAL(ftruncate64)(file, undo->size) < 0) abort();
        close(file);
    }
}

/* What happens to a call: 0, or the error with which it fails. */
static int fate(enum call call) {
    const char *path = getenv("FAULT_ORDERS");
    char orders[64] = "", act[16] = "";
    long from = 0;
    int file = path ? open(path, O_RDONLY) : -1;
    if (file >= 0) {
        ssize_t length = read(file, orders, sizeof orders - 1);
        orders[length < 0 ? 0 : length] = 0;
        close(file);
    }
    if (strcmp(orders, last_orders) != 0) {
        strcpy(last_orders, orders);
        calls = 0;
    }
    if (sscanf(orders, "%15s %ld", act, &from) < 1) return 0;
    calls += 1;
    if (strcmp(act, "count") == 0) {
        file = open(getenv("FAULT_COUNT"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (REAL(write)(file, ".", 1) != 1) abort();
        close(file);
    }
    if (calls == from && strcmp(act, "power") == 0) lose_power();
    if (calls == from && (strcmp(act, "kill") == 0 || strcmp(act, "power") == 0)) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (calls >= from && call == WRITES && strcmp(act, "full") == 0) return ENOSPC;
    if (calls >= from && call == CONFIRMS && strcmp(act, "unsure") == 0) return EIO;
    return 0;
}

#define FAIL(error) do { errno = (error); return -1; } while (0)

static ssize_t written(int file, off_t offset, size_t length, ssize_t (*act)(int, const void *, size_t, off_t), const void *bytes) {
    char path[512];
    if (!path_of(file, path)) return act(file, bytes, length, offset);
    pthread_mutex_lock(&lock);
    int error = fate(WRITES);
    ssize_t done = -1;
    if (!error) {
        remember(path, offset, length);
        done = act(file, bytes, length, offset);
        error = errno;
    }
    pthread_mutex_unlock(&lock);
    if (done < 0) errno = error;
    return done;
}

static ssize_t real_write(int file, const void *bytes, size_t length, off_t offset) {
    (void)offset;
    return REAL(write)(file, bytes, length);
}

static ssize_t real_pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return REAL(pwrite64)(file, bytes, length, offset);
}

ssize_t write(int file, const void *bytes, size_t length) {
    return written(file, lseek(file, 0, SEEK_CUR), length, real_write, bytes);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return written(file, offset, length, real_pwrite, bytes);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    return written(file, offset, length, real_pwrite, bytes);
}

static int confirmed(int file, int (*act)(int)) {
    char path[512];
    if (!path_of(file, path)) return act(file);
    pthread_mutex_lock(&lock);
    int error = fate(CONFIRMS);
    if (!error) confirm(path);
    pthread_mutex_unlock(&lock);
    if (error) FAIL(error);
    return act(file);
}

int fsync(int file) { return confirmed(file, REAL(fsync)); }

int fdatasync(int file) { return confirmed(file, REAL(fdatasync)); }

static int cut(int file, off_t size) {
    char path[512];
    if (!path_of(file, path)) return REAL(ftruncate64)(file, size);
    pthread_mutex_lock(&lock);
    int error = fate(OTHER);
    struct stat found;
    if (!error && fstat(file, &found) == 0) remember(path, size, found.st_size > size ? (size_t)(found.st_size - size) : 0);
    pthread_mutex_unlock(&lock);
    if (error) FAIL(error);
    return REAL(ftruncate64)(file, size);
}

int ftruncate(int file, off_t size) { return cut(file, size); }

int ftruncate64(int file, off64_t size) { return cut(file, size); }

int unlink(const char *path) {
    if (is_ours(path)) {
        pthread_mutex_lock(&lock);
        int error = fate(OTHER);
        if (!error) confirm(path);
        pthread_mutex_unlock(&lock);
        if (error) FAIL(error);
    }
    return REAL(unlink)(path);
}
