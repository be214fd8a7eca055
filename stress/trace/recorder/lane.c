// SPDX-License-Identifier: MIT
//
// lane.c - records into a chunk of a shared file mapping.
//
// 1. Theory. A store into a MAP_SHARED page is in the kernel's hands at once: a program that is
//    killed loses nothing, and nothing has to be flushed. A thread fills a chunk of its own, so
//    that the only shared word on the way is the sequence. A full chunk is written behind the
//    others and filled again: its pages stay in the cache, and a write is cheaper than the faults
//    of fresh pages.
// 2. Lost. A signal handler that allocates while its thread is inside lane_record finds `busy` and
//    is counted, instead of tearing the record. So are sizes that a record cannot hold (4 TiB; 64
//    GiB where an alignment is asked for).
// 3. The file is opened by its path each time, since programs close descriptors that they do not
//    know; where the path is gone (chroot, other rights) the descriptor kept from the start is
//    used, if it still is that file.
// 4. Failure. A full disk is an error of a write or of fallocate here, never a SIGBUS in the
//    program, and a limit on the size of files is asked for before, never met. Then recording
//    stops, the header says why, the program goes on.
// 5. Only system calls that take no lock and allocate nothing are used.

#include "lane.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define IDLE_CHUNKS 256

struct lane { // one a thread
    struct spool_chunk *chunk;
    uint32_t count; // records in it
    uint32_t thread;
    uint32_t high; // half of the sequence number in the chunk's last mark
    bool marked;   // the chunk's last mark is this thread's
    bool busy;
    bool known; // has a number
    bool ended;
    uint8_t rounds; // of thread-specific destructors seen
};

static struct lane_gate gate_closed;
struct lane_gate *lane_gate = &gate_closed;

static __thread struct lane lane __attribute__((tls_model("initial-exec")));

static struct {
    uint64_t sequence __attribute__((aligned(64))); // [atomic]
    struct spool_header *header __attribute__((aligned(64)));
    char path[4096];
    int fd;
    dev_t device;
    ino_t inode;
    pthread_key_t key;
    int idle_lock;                         // [atomic] 1: taken
    unsigned idle_count;                   // [idle_lock]
    struct spool_chunk *idle[IDLE_CHUNKS]; // [idle_lock] left by threads that ended
} spool;

// ---- chunks -------------------------------------------------------------------------------------

static void stop(int error)
{
    __atomic_store_n(&spool.header->stopped, error, __ATOMIC_RELAXED);
    __atomic_store_n(&lane_gate->on, 0, __ATOMIC_RELAXED);
}

static void idle_acquire(void)
{
    while (__atomic_exchange_n(&spool.idle_lock, 1, __ATOMIC_ACQUIRE) != 0) {
        __builtin_ia32_pause();
    }
}

static void idle_release(void)
{
    __atomic_store_n(&spool.idle_lock, 0, __ATOMIC_RELEASE);
}

static bool is_spool(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_dev == spool.device && status.st_ino == spool.inode;
}

// The spool's descriptor, or -1. `*opened` is to be closed after use, if it is not negative.
static int descriptor(int *opened)
{
    *opened = open(spool.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*opened >= 0 && is_spool(*opened)) {
        return *opened;
    }
    return spool.fd >= 0 && is_spool(spool.fd) ? spool.fd : -1;
}

// A file past the limit on its size would cost the program a SIGXFSZ.
static int check_limit(off_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (rlim_t)end > limit.rlim_cur ? EFBIG : 0;
}

static int write_at(int fd, const void *bytes, size_t length, off_t offset)
{
    int error = check_limit(offset + (off_t)length);
    for (size_t done = 0; error == 0 && done < length;) {
        ssize_t written =
            pwrite(fd, (const char *)bytes + done, length - done, offset + (off_t)done);
        if (written <= 0) {
            return written == 0 ? ENOSPC : errno;
        }
        done += (size_t)written;
    }
    return error;
}

// Makes the file's bytes from offset on real, by writing them where fallocate is not supported.
static int reserve(int fd, off_t offset, size_t length)
{
    int error = check_limit(offset + (off_t)length);
    if (error != 0 || fallocate(fd, 0, offset, (off_t)length) == 0) {
        return error;
    }
    static const char zeros[4096];
    error = errno == EOPNOTSUPP ? 0 : errno;
    for (size_t done = 0; error == 0 && done < length; done += sizeof(zeros)) {
        error = write_at(fd, zeros, sizeof(zeros), offset + (off_t)done);
    }
    return error;
}

static off_t place(void)
{
    return (off_t)__atomic_fetch_add(&spool.header->used, SPOOL_CHUNK, __ATOMIC_RELAXED);
}

static int chunk_map(int fd, struct spool_chunk **chunk)
{
    off_t offset = place();
    int error = fd < 0 ? EBADF : reserve(fd, offset, SPOOL_CHUNK);
    if (error != 0) {
        return error;
    }
    void *mapped = mmap(NULL, SPOOL_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    if (mapped == MAP_FAILED) {
        return errno;
    }
    // One call for all pages is cheaper than a fault for each; an old kernel takes the faults.
    madvise(mapped, SPOOL_CHUNK, MADV_POPULATE_WRITE);
    *chunk = mapped;
    return 0;
}

static void chunk_idle(void)
{
    idle_acquire();
    if (spool.idle_count > 0) {
        lane.chunk = spool.idle[--spool.idle_count];
    }
    idle_release();
}

// Gives the lane a chunk with room in it, or stops the recording.
static void chunk_get(void)
{
    int saved = errno, opened = -1, error = 0;
    if (lane.chunk == NULL) {
        chunk_idle();
    }
    if (lane.chunk == NULL) {
        error = chunk_map(descriptor(&opened), &lane.chunk);
    } else if (lane.chunk->count + 2 > SPOOL_CHUNK_RECORDS) {
        int fd = descriptor(&opened);
        error = fd < 0 ? EBADF : write_at(fd, lane.chunk, SPOOL_CHUNK, place());
        if (error == 0) {
            __atomic_store_n(&lane.chunk->count, 0, __ATOMIC_RELEASE);
        }
    }
    if (opened >= 0) {
        close(opened);
    }
    if (error != 0) {
        stop(error);
    }
    lane.count = lane.chunk != NULL ? lane.chunk->count : 0;
    lane.marked = false;
    errno = saved;
}

// Leaves the chunk to the next thread that needs one.
static void chunk_put(void)
{
    int saved = errno;
    struct spool_chunk *chunk = lane.chunk;
    lane.chunk = NULL;
    if (chunk == NULL) {
        return;
    }
    idle_acquire();
    if (spool.idle_count < IDLE_CHUNKS) {
        spool.idle[spool.idle_count++] = chunk;
        chunk = NULL;
    }
    idle_release();
    if (chunk != NULL) {
        munmap(chunk, SPOOL_CHUNK);
    }
    errno = saved;
}

// ---- records ------------------------------------------------------------------------------------

static inline void put_words(uint64_t when, uint64_t what)
{
    struct spool_record *record = &lane.chunk->records[lane.count];
    record->when = when;
    record->what = what;
    lane.count++;
    __atomic_store_n(&lane.chunk->count, lane.count, __ATOMIC_RELEASE);
}

static inline uint64_t words_what(unsigned kind, unsigned call, uint64_t high, uint64_t address)
{
    return (uint64_t)kind << 61 | (uint64_t)call << 57 | high << SPOOL_ADDRESS_BITS | address;
}

static inline uint64_t sequence_take(void)
{
    // acq_rel: the free that follows, or the allocation before, must not move across the number.
    return __atomic_fetch_add(&spool.sequence, 1, __ATOMIC_ACQ_REL);
}

// Says whose records follow, and where in the sequence.
static void mark(uint64_t sequence)
{
    lane.marked = true;
    lane.high = (uint32_t)(sequence >> 32);
    put_words(sequence << 32 | lane.thread, words_what(SPOOL_MARK, 0, 0, lane.high));
}

static inline void put(unsigned kind, unsigned call, const void *address, size_t size,
                       unsigned align_log2)
{
    uint64_t high = size >> 32;
    if (align_log2 != 0) {
        high = high << SPOOL_ALIGN_BITS | align_log2;
    }
    if (__builtin_expect(
            high >> SPOOL_HIGH_BITS != 0 || (uintptr_t)address >> SPOOL_ADDRESS_BITS != 0, 0)) {
        __atomic_fetch_add(&spool.header->lost, 1, __ATOMIC_RELAXED);
        return;
    }
    // Room for a mark and the record.
    if (__builtin_expect(lane.chunk == NULL || lane.count + 2 > SPOOL_CHUNK_RECORDS, 0)) {
        chunk_get();
        if (!lane_open()) {
            return;
        }
    }
    uint64_t sequence = sequence_take();
    if (__builtin_expect(!lane.marked || lane.high != (uint32_t)(sequence >> 32), 0)) {
        mark(sequence);
    }
    put_words(sequence << 32 | (uint32_t)size, words_what(kind, call, high, (uintptr_t)address));
}

static void introduce(void)
{
    lane.known = true;
    lane.thread = __atomic_fetch_add(&spool.header->threads, 1, __ATOMIC_RELAXED);
    int saved = errno;
    pthread_setspecific(spool.key, &lane); // its destructor tells of the thread's end
    errno = saved;
    put(SPOOL_THREAD_START, 0, NULL, 0, 0);
}

static void record(unsigned kind, unsigned call, const void *address, size_t size,
                   unsigned align_log2)
{
    if (lane.busy) {
        __atomic_fetch_add(&spool.header->lost, 1, __ATOMIC_RELAXED);
        return;
    }
    lane.busy = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // the handler of a signal sees busy first
    if (__builtin_expect(!lane.known, 0)) {
        introduce();
    }
    if (kind != SPOOL_THREAD_START) {
        put(kind, call, address, size, align_log2);
    }
    if (__builtin_expect(lane.ended, 0)) {
        chunk_put();
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    lane.busy = false;
}

void lane_record(unsigned kind, unsigned call, const void *address, size_t size,
                 unsigned align_log2)
{
    record(kind, call, address, size, align_log2);
}

void lane_thread_start(void)
{
    if (lane_open() && !lane.known) {
        record(SPOOL_THREAD_START, 0, NULL, 0, 0);
    }
}

void lane_thread_end(void)
{
    if (lane_open() && lane.known && !lane.ended) {
        lane.ended = true;
        record(SPOOL_THREAD_END, 0, NULL, 0, 0);
    }
}

// Other destructors may free after this one: come last, as far as the rounds go.
static void thread_destructor(void *value)
{
    if (++lane.rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(spool.key, value);
    } else {
        lane_thread_end();
    }
}

// ---- start --------------------------------------------------------------------------------------

// Fills spool.path with FOLDER/PID.N, the first that is free: a process that execs has several.
static int spool_create(const char *folder)
{
    for (unsigned n = 0; n < 10000; n++) {
        int length = snprintf(spool.path, sizeof(spool.path), "%s/%d.%u", folder, (int)getpid(), n);
        if (length < 0 || (size_t)length >= sizeof(spool.path)) {
            return -1;
        }
        int fd = open(spool.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

static void command_read(struct spool_header *header)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read(fd, header->command, sizeof(header->command));
        header->command_length = length > 0 ? (uint32_t)length : 0;
        close(fd);
    }
}

// The descriptor, out of the way of programs that count on the lowest numbers.
static int descriptor_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 700);
    if (high < 0) {
        high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    }
    if (high < 0) {
        return fd;
    }
    close(fd);
    return high;
}

static struct lane_gate *gate_map(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return NULL;
    }
    if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {
        munmap(page, 4096);
        return NULL;
    }
    return page;
}

static bool spool_open(const char *folder)
{
    struct stat status;
    spool.fd = spool_create(folder);
    if (spool.fd < 0 || fstat(spool.fd, &status) != 0 || reserve(spool.fd, 0, SPOOL_HEADER) != 0) {
        return false;
    }
    spool.device = status.st_dev;
    spool.inode = status.st_ino;
    spool.fd = descriptor_high(spool.fd);
    spool.header = mmap(NULL, SPOOL_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, spool.fd, 0);
    return spool.header != MAP_FAILED;
}

void lane_start(void)
{
    const char *folder = getenv(SPOOL_ENV_FOLDER);
    const char *pid = getenv(SPOOL_ENV_PID);
    if (folder == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())) {
        return;
    }
    int saved = errno;
    struct lane_gate *gate = gate_map();
    if (gate != NULL && spool_open(folder) &&
        pthread_key_create(&spool.key, thread_destructor) == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        spool.header->version = SPOOL_VERSION;
        spool.header->pid = (uint32_t)getpid();
        spool.header->used = SPOOL_HEADER;
        spool.header->born_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        command_read(spool.header);
        __atomic_store_n(&spool.header->magic, SPOOL_MAGIC, __ATOMIC_RELEASE);
        gate->on = 1;
        lane_gate = gate;
    }
    errno = saved;
}
