// SPDX-License-Identifier: MIT
//
// refuse.c - runs a program of which the Nth system call of a kind fails.
//
//   refuse --calls openat,read --nth 3 --with EIO --report FILE -- /bin/cat FILE
//
// 1. Theory. The kernel is asked to hand over every call of the kinds named (seccomp's user
//    notification, seccomp_unotify(2)): this process counts them and answers each with "go on", or
//    once with an error that the caller then gets as the kernel's own. So whatever the program is,
//    static or not, in libc's stdio or in its own code, no call escapes the count, and nothing in
//    the program is changed or slowed where its calls are of another kind.
// 2. Short reads and writes (--with short) are done here in the caller's stead: its descriptor is
//    duplicated (pidfd_getfd), and half of the bytes are moved. They are true: what the call says
//    was written is written.
// 3. Whose calls count: those of the first process (its threads included), of the processes that
//    descend from it, or all. Counting begins at the program's first instruction: the loader's
//    calls are among them.
//    The break is refused where it grows; brk(NULL), which asks where it is, cannot be. The very
//    first growth of a process is not refused either: nobody could say where the heap begins.
// 4. Everything that descends from the program has the filter. When its last process is gone the
//    listener says so (POLLHUP). What is still there two seconds and more after the program's end
//    is an orphan, and is told.
// 5. Exit status: 0, the report says what happened; 2 usage; 77 the kernel has no such filter.

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REFUSE_CALLS     64
#define REFUSE_MOST      65536 // bytes of a short transfer
#define REFUSE_ORPHAN_MS 10000
#define REFUSE_SKIP      77

static const struct refuse_call {
    const char *name;
    int number;
} refuse_calls[] = {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, SYS_##name                                                                          \
    }
    CALL(brk),
    CALL(clone),
    CALL(clone3),
    CALL(close),
    CALL(dup2),
    CALL(dup3),
    CALL(execve),
    CALL(fallocate),
    CALL(fchmod),
    CALL(fdatasync),
    CALL(flock),
    CALL(fork),
    CALL(fsync),
    CALL(ftruncate),
    CALL(getdents64),
    CALL(lseek),
    CALL(madvise),
    CALL(memfd_create),
    CALL(mkdir),
    CALL(mmap),
    CALL(mprotect),
    CALL(mremap),
    CALL(munmap),
    CALL(newfstatat),
    CALL(open),
    CALL(openat),
    CALL(pidfd_open),
    CALL(pidfd_send_signal),
    CALL(pipe2),
    CALL(poll),
    CALL(ppoll),
    CALL(pread64),
    CALL(pwrite64),
    CALL(read),
    CALL(readlink),
    CALL(readv),
    CALL(rename),
    CALL(renameat2),
    CALL(rmdir),
    CALL(sched_getaffinity),
    CALL(sched_setaffinity),
    CALL(setpgid),
    CALL(setrlimit),
    CALL(unlink),
    CALL(unlinkat),
    CALL(vfork),
    CALL(wait4),
    CALL(waitid),
    CALL(write),
    CALL(writev),
#undef CALL
};

static const struct refuse_error {
    const char *name;
    int number;
} refuse_errors[] = {
#define ERROR(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    ERROR(EACCES), ERROR(EAGAIN), ERROR(EBADF),  ERROR(EEXIST), ERROR(EINTR),  ERROR(EIO),
    ERROR(EMFILE), ERROR(ENOENT), ERROR(ENOMEM), ERROR(ENOSPC), ERROR(ENOSYS), ERROR(EPERM),
#undef ERROR
};

enum refuse_whose { WHOSE_FIRST, WHOSE_OTHERS, WHOSE_ALL };

struct refuse {
    int calls[REFUSE_CALLS];
    unsigned call_count;
    uint64_t nth;
    int error; // 0: short
    bool from_then_on;
    enum refuse_whose whose;
    uint64_t timeout_ms;
    const char *report;
    char **argv;
    // at run time
    pid_t pid;
    int listener;
    uint64_t seen, hits;
    int last;       // the call that was refused last
    char file[512]; // and what it was to bring to the disk
    bool hung, orphan;
    int status; // as waitpid says
};

// What the program's process tells before it becomes the program.
struct refuse_shared {
    uint32_t step; // [atomic] 1: the filter is there, 2: the listener has been taken
    int fd;        // in the child; -errno: no filter
};

static _Noreturn void fail(int status, const char *what)
{
    fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
    exit(status);
}

static _Noreturn void usage(const char *what, const char *value)
{
    fprintf(stderr,
            "refuse: %s%s\n"
            "usage: refuse --calls NAME,.. --nth N --with ERRNO|short --report FILE\n"
            "              [--on] [--whose first|others|all] [--timeout MS] -- PROGRAM ARGS..\n",
            what, value);
    exit(2);
}

// ---- the command line ---------------------------------------------------------------------------

static void read_calls(struct refuse *refuse, char *list)
{
    for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
        size_t i = 0;
        while (i < sizeof refuse_calls / sizeof refuse_calls[0] &&
               strcmp(refuse_calls[i].name, name) != 0) {
            i++;
        }
        if (i == sizeof refuse_calls / sizeof refuse_calls[0] ||
            refuse->call_count == REFUSE_CALLS) {
            usage("no call ", name);
        }
        refuse->calls[refuse->call_count++] = refuse_calls[i].number;
    }
}

static int read_error(const char *name)
{
    if (strcmp(name, "short") == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof refuse_errors / sizeof refuse_errors[0]; i++) {
        if (strcmp(refuse_errors[i].name, name) == 0) {
            return refuse_errors[i].number;
        }
    }
    usage("no error ", name);
}

static enum refuse_whose read_whose(const char *name)
{
    static const char *const names[] = {"first", "others", "all"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum refuse_whose)i;
        }
    }
    usage("no such processes: ", name);
}

static void read_options(struct refuse *refuse, char **argv)
{
    for (argv++; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
        const char *option = *argv;
        if (strcmp(option, "--on") == 0) {
            refuse->from_then_on = true;
            continue;
        }
        if (*++argv == NULL) {
            usage("a value is missing after ", option);
        }
        if (strcmp(option, "--calls") == 0) {
            read_calls(refuse, *argv);
        } else if (strcmp(option, "--nth") == 0) {
            refuse->nth = strtoull(*argv, NULL, 10);
        } else if (strcmp(option, "--with") == 0) {
            refuse->error = read_error(*argv);
        } else if (strcmp(option, "--whose") == 0) {
            refuse->whose = read_whose(*argv);
        } else if (strcmp(option, "--timeout") == 0) {
            refuse->timeout_ms = strtoull(*argv, NULL, 10);
        } else if (strcmp(option, "--report") == 0) {
            refuse->report = *argv;
        } else {
            usage("unknown option ", option);
        }
    }
    refuse->argv = *argv == NULL ? argv : argv + 1;
    if (*refuse->argv == NULL || refuse->call_count == 0 || refuse->report == NULL) {
        usage("--calls, --report and PROGRAM are needed", "");
    }
}

// ---- the program's side -------------------------------------------------------------------------

static void futex(uint32_t *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void step_wait(struct refuse_shared *shared, uint32_t step)
{
    uint32_t now;
    while ((now = __atomic_load_n(&shared->step, __ATOMIC_ACQUIRE)) < step) {
        futex(&shared->step, FUTEX_WAIT, now);
    }
}

static void step_take(struct refuse_shared *shared, uint32_t step)
{
    __atomic_store_n(&shared->step, step, __ATOMIC_RELEASE);
    futex(&shared->step, FUTEX_WAKE, 1);
}

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

// The listener's descriptor, or -errno.
static int filter_install(const struct refuse *refuse)
{
    struct sock_filter code[REFUSE_CALLS + 6];
    unsigned at = 0;
    code[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
                                              (uint8_t)(refuse->call_count + 1));
    code[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < refuse->call_count; i++) {
        code[at++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refuse->calls[i],
                                         (uint8_t)(refuse->call_count - i), 0);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    const struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // A call that a signal interrupts while it is being answered would come, and count, twice.
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
    if (fd < 0 && errno == EINVAL) { // Linux before 5.19
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    }
    return fd < 0 ? -errno : (int)fd;
}

static _Noreturn void become(const struct refuse *refuse, struct refuse_shared *shared)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    shared->fd = filter_install(refuse);
    step_take(shared, 1);
    step_wait(shared, 2);
    execv(refuse->argv[0], refuse->argv); // which closes the listener
    _exit(126);
}

// ---- answers ------------------------------------------------------------------------------------

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// Whether a thread is one of the first process's.
static bool is_first(const struct refuse *refuse, uint32_t thread)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%u", (int)refuse->pid, thread);
    return access(path, F_OK) == 0;
}

// The process that a thread belongs to.
static pid_t process_of(uint32_t thread)
{
    char path[64], line[128];
    int process = (int)thread;
    snprintf(path, sizeof path, "/proc/%u/status", thread);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "Tgid: %d", &process) != 1) {
    }
    if (file != NULL) {
        fclose(file);
    }
    return process;
}

// How many bytes a read of `size` would give, at `offset` (< 0: where the file is).
static size_t readable(int fd, size_t size, off_t offset)
{
    struct stat status;
    int waiting = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        off_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset;
        off_t left = at >= 0 && at < status.st_size ? status.st_size - at : 0;
        return (size_t)left < size ? (size_t)left : size;
    }
    if (ioctl(fd, FIONREAD, &waiting) == 0 && waiting >= 0) {
        return (size_t)waiting < size ? (size_t)waiting : size;
    }
    return size;
}

// Half of a transfer, done here. What the call is to return; < 0: it cannot be cut short.
static int64_t transfer_half(const struct seccomp_notif *call)
{
    static char bytes[REFUSE_MOST];
    int number = call->data.nr;
    bool writes = number == SYS_write || number == SYS_pwrite64;
    size_t size = (size_t)call->data.args[2];
    if ((!writes && number != SYS_read && number != SYS_pread64) || size < 2) {
        return -1;
    }
    int process = pidfd_open(process_of(call->pid), 0);
    int fd = process >= 0 ? pidfd_getfd(process, (int)call->data.args[0], 0) : -1;
    if (process >= 0) {
        close(process);
    }
    if (fd < 0) {
        return -1;
    }
    if (!writes) {
        size = readable(fd, size, number == SYS_read ? -1 : (off_t)call->data.args[3]);
    }
    if (size < 2) {
        close(fd);
        return -1;
    }
    size = size / 2 < sizeof bytes ? size / 2 : sizeof bytes;
    struct iovec here = {.iov_base = bytes, .iov_len = size};
    struct iovec there = {.iov_base = (void *)(uintptr_t)call->data.args[1], .iov_len = size};
    off_t offset = (off_t)call->data.args[3];
    int64_t done = -1;
    if (writes && process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) == (ssize_t)size) {
        done = number == SYS_write ? write(fd, bytes, size) : pwrite(fd, bytes, size, offset);
    } else if (!writes) {
        done = number == SYS_read ? read(fd, bytes, size) : pread(fd, bytes, size, offset);
        here.iov_len = there.iov_len = done > 0 ? (size_t)done : 0;
        if (done > 0 && process_vm_writev((pid_t)call->pid, &here, 1, &there, 1, 0) != done) {
            done = -1;
        }
    }
    close(fd);
    return done;
}

static bool counts(const struct refuse *refuse, const struct seccomp_notif *call)
{
    return refuse->whose == WHOSE_ALL ||
           is_first(refuse, call->pid) == (refuse->whose == WHOSE_FIRST);
}

// Where a process's heap ends: what brk returns when it is refused, for it has no error.
static int64_t break_of(uint32_t thread)
{
    char path[64], line[512];
    unsigned long long end = 0;
    snprintf(path, sizeof path, "/proc/%u/maps", thread);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strstr(line, "[heap]") != NULL) {
            sscanf(line, "%*x-%llx", &end);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (int64_t)end;
}

// The refusal of a call. False: it cannot be refused like this.
static bool refusal(const struct refuse *refuse, const struct seccomp_notif *call,
                    struct seccomp_notif_resp *reply)
{
    if (call->data.nr == SYS_brk) {
        reply->val = break_of(call->pid);
        return reply->val != 0 && call->data.args[0] > (uint64_t)reply->val;
    }
    if (refuse->error != 0) {
        reply->error = -refuse->error;
        return true;
    }
    reply->val = transfer_half(call);
    return reply->val >= 0;
}

// The file that a call brings to the disk, by the end of its name; none of another call.
static void name_file(struct refuse *refuse, const struct seccomp_notif *call)
{
    char path[64], name[4096] = "";
    bool syncs = call->data.nr == SYS_fsync || call->data.nr == SYS_fdatasync;
    snprintf(path, sizeof path, "/proc/%u/fd/%d", call->pid, (int)call->data.args[0]);
    ssize_t length = syncs ? readlink(path, name, sizeof name - 1) : 0;
    const char *end = length > 0 ? strrchr(name, '/') : NULL;
    snprintf(refuse->file, sizeof refuse->file, "%s", end != NULL ? end + 1 : "");
    for (char *at = refuse->file; *at != '\0'; at++) {
        *at = *at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '?' : *at;
    }
}

static void answer(struct refuse *refuse, const struct seccomp_notif *call)
{
    struct seccomp_notif_resp reply = {.id = call->id};
    bool refused = false;
    if (counts(refuse, call)) {
        refuse->seen++;
        bool its_turn = refuse->nth != 0 && (refuse->from_then_on ? refuse->seen >= refuse->nth
                                                                  : refuse->seen == refuse->nth);
        refused = its_turn && refusal(refuse, call, &reply);
    }
    if (refused) {
        refuse->hits++;
        refuse->last = call->data.nr;
        name_file(refuse, call);
    } else {
        reply =
            (struct seccomp_notif_resp){.id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    }
    // ENOENT: the caller has been killed meanwhile.
    if (ioctl(refuse->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) != 0 && errno != ENOENT) {
        fail(1, "answering");
    }
}

// Serves calls until no process has the filter, or time is over.
static void serve(struct refuse *refuse)
{
    struct seccomp_notif call;
    uint64_t until = now_ms() + refuse->timeout_ms;
    bool ended = false;
    int pidfd = pidfd_open(refuse->pid, 0);
    for (;;) {
        struct pollfd wait[2] = {{.fd = refuse->listener, .events = POLLIN},
                                 {.fd = ended ? -1 : pidfd, .events = POLLIN}};
        uint64_t now = now_ms();
        int ready = poll(wait, 2, now < until ? (int)(until - now) : 0);
        if (ready == 0 && ended) {
            refuse->orphan = true;
            break;
        }
        if (ready == 0) {
            refuse->hung = true;
            kill(refuse->pid, SIGKILL);
            until = now_ms() + refuse->timeout_ms;
            continue;
        }
        if (!ended && wait[1].revents != 0) {
            waitpid(refuse->pid, &refuse->status, 0);
            ended = true;
            until = now_ms() + REFUSE_ORPHAN_MS;
        }
        if ((wait[0].revents & POLLIN) != 0) {
            memset(&call, 0, sizeof call);
            if (ioctl(refuse->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
                answer(refuse, &call);
            }
        } else if ((wait[0].revents & POLLHUP) != 0 && ended) {
            break;
        } else if ((wait[0].revents & POLLHUP) != 0) {
            waitpid(refuse->pid, &refuse->status, 0);
            ended = true;
        }
    }
    close(pidfd);
}

static void report(const struct refuse *refuse)
{
    FILE *file = fopen(refuse->report, "we");
    if (file == NULL) {
        fail(1, refuse->report);
    }
    const char *last = "";
    for (size_t i = 0; i < sizeof refuse_calls / sizeof refuse_calls[0]; i++) {
        if (refuse->hits > 0 && refuse_calls[i].number == refuse->last) {
            last = refuse_calls[i].name;
        }
    }
    fprintf(file,
            "{\"calls\": %llu, \"hits\": %llu, \"last\": \"%s\", \"file\": \"%s\", \"hung\": %d, "
            "\"orphan\": %d, \"status\": %d, \"signal\": %d}\n",
            (unsigned long long)refuse->seen, (unsigned long long)refuse->hits, last, refuse->file,
            refuse->hung, refuse->orphan,
            WIFEXITED(refuse->status) ? WEXITSTATUS(refuse->status) : -1,
            WIFSIGNALED(refuse->status) ? WTERMSIG(refuse->status) : 0);
    if (fclose(file) != 0) {
        fail(1, refuse->report);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    struct refuse refuse = {.timeout_ms = 60000, .listener = -1};
    read_options(&refuse, argv);
    struct refuse_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fail(1, "mmap");
    }
    refuse.pid = fork();
    if (refuse.pid == 0) {
        become(&refuse, shared);
    }
    if (refuse.pid < 0) {
        fail(1, "fork");
    }
    step_wait(shared, 1);
    int pidfd = pidfd_open(refuse.pid, 0);
    if (shared->fd >= 0) {
        refuse.listener = pidfd_getfd(pidfd, shared->fd, 0);
    } else {
        errno = -shared->fd;
    }
    if (refuse.listener < 0) {
        int error = errno;
        kill(refuse.pid, SIGKILL);
        errno = error;
        fail(REFUSE_SKIP, "seccomp's user notification");
    }
    close(pidfd);
    step_take(shared, 2);
    serve(&refuse);
    report(&refuse);
    return 0;
}
