// SPDX-License-Identifier: MIT
//
// test_disk.c - a file reaches its place whole or not at all, and what a killed writer left goes.

#include "disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

static char folder[] = "/tmp/mems-test-XXXXXX";

static char *place(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *text)
{
    struct disk_file file;
    assert_int_equal(disk_open(path, &file), 0);
    assert_int_equal(disk_write(file.fd, text, strlen(text)), 0);
    assert_int_equal(disk_close(&file), 0);
}

static void expect_content(const char *path, const char *text)
{
    char found[64] = "";
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    assert_true(read(file, found, sizeof found - 1) >= 0);
    close(file);
    assert_string_equal(found, text);
}

static unsigned count_entries(const char *part)
{
    unsigned count = 0;
    DIR *open = opendir(folder);
    struct dirent *entry;
    assert_non_null(open);
    while ((entry = readdir(open)) != NULL) {
        count += strstr(entry->d_name, part) != NULL;
    }
    closedir(open);
    return count;
}

// A child begins the file, says so and is killed.
static void leave_part(const char *path)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct disk_file file;
        byte = disk_open(path, &file) == 0 && disk_write(file.fd, "half", 4) == 0;
        disk_write(ends[1], &byte, 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(count_entries(".part-"), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_what_a_killed_writer_left_goes(void **state)
{
    (void)state;
    put(place("result"), "old");
    leave_part(place("result"));
    assert_int_equal(count_entries(".part-"), 1);
    expect_content(place("result"), "old");
    put(place("other"), "x"); // another name's parts are not its business
    assert_int_equal(count_entries(".part-"), 1);
    put(place("result"), "new");
    assert_int_equal(count_entries(".part-"), 0);
    expect_content(place("result"), "new");
}

static void test_two_writers_leave_one_whole_file(void **state)
{
    (void)state;
    struct disk_file first, second;
    assert_int_equal(disk_open(place("both"), &first), 0);
    assert_int_equal(disk_open(place("both"), &second), 0);
    assert_int_equal(count_entries("both.part-"), 2); // the first one's is held, not left
    assert_int_equal(disk_write(first.fd, "first", 5), 0);
    assert_int_equal(disk_write(second.fd, "2nd", 3), 0);
    assert_int_equal(disk_close(&second), 0);
    expect_content(place("both"), "2nd");
    assert_int_equal(disk_close(&first), 0);
    expect_content(place("both"), "first");
    assert_int_equal(count_entries(".part-"), 0);
}

static void test_abandoned(void **state)
{
    (void)state;
    struct disk_file file;
    put(place("kept"), "kept");
    assert_int_equal(disk_open(place("kept"), &file), 0);
    disk_abandon(&file);
    assert_int_equal(file.fd, -1);
    expect_content(place("kept"), "kept");
    // As a signal handler would.
    assert_int_equal(disk_open(place("kept"), &file), 0);
    assert_int_equal(count_entries(".part-"), 1);
    disk_forget();
    assert_int_equal(count_entries(".part-"), 0);
    disk_abandon(&file);
    disk_forget();
    expect_content(place("kept"), "kept");
}

// Names that only look like parts are somebody's.
static void test_foreign_names_stay(void **state)
{
    (void)state;
    static const char *const names[] = {"mine.part-12345", "mine.part-1234567", "mine.part-12.456",
                                        "mine.tmp", "notmine.part-123456"};
    for (unsigned i = 0; i < 5; i++) {
        put(place(names[i]), names[i]);
    }
    put(place("mine"), "x");
    for (unsigned i = 0; i < 5; i++) {
        expect_content(place(names[i]), names[i]);
    }
}

static void test_places_that_are_no_files(void **state)
{
    (void)state;
    struct disk_file file;
    assert_int_equal(disk_open(folder, &file), EISDIR);
    assert_string_equal(disk_not_a_file(folder), "a folder");
    assert_string_equal(disk_not_a_file("/dev/null"), "a device");
    assert_null(disk_not_a_file(place("missing")));
    assert_int_equal(disk_open("/dev/null", &file), 0);
    assert_null(file.part);
    assert_int_equal(disk_close(&file), 0);
    assert_int_equal(mkfifo(place("fifo"), 0600), 0);
    assert_string_equal(disk_not_a_file(place("fifo")), "a pipe");
    assert_int_equal(disk_probe(place("fifo")), 0); // does not wait for a reader
    assert_int_equal(disk_open(place("no/file"), &file), ENOENT);
    assert_int_equal(disk_probe(folder), EISDIR);
    assert_int_equal(disk_probe(""), ENOENT);
    assert_int_equal(disk_probe("/proc/mems-test.json"), ENOENT);
    assert_int_equal(disk_probe(place("some/file")), ENOENT);
    assert_int_equal(access(place("some"), F_OK), -1); // no folder is made on the way
    assert_false(disk_has_folder(place("some/file")));
    assert_true(disk_has_folder(place("file")));
    assert_int_equal(disk_probe(place("probed")), 0);
    assert_int_equal(access(place("probed"), F_OK), -1);
}

static bool busy_answer;

static bool busy(const char *path)
{
    (void)path;
    return busy_answer;
}

static void test_folders(void **state)
{
    (void)state;
    int ends[2];
    char byte = 0;
    char *mine = disk_folder_new(place("trace"));
    assert_non_null(mine);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        disk_write(ends[1], disk_folder_new(place("trace")) != NULL ? "1" : "0", 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    disk_folder_clean(place("trace"), busy);
    assert_int_equal(count_entries("trace.spool-"), 2); // the child lives
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    busy_answer = true;
    disk_folder_clean(place("trace"), busy);
    assert_int_equal(count_entries("trace.spool-"), 2);
    busy_answer = false;
    disk_folder_clean(place("trac"), busy);
    assert_int_equal(count_entries("trace.spool-"), 2);
    disk_folder_clean(place("trace"), busy);
    assert_int_equal(count_entries("trace.spool-"), 1);
    assert_int_equal(access(mine, F_OK), 0);
    disk_folder_remove(mine);
    assert_int_equal(count_entries("trace.spool-"), 0);
    free(mine);
    // One whose maker was killed before it had locked it, or while it removed it.
    assert_int_equal(mkdir(place("trace.spool-abcDEF"), 0700), 0);
    disk_folder_clean(place("trace"), busy);
    assert_int_equal(count_entries("trace.spool-"), 0);
    close(ends[0]);
    close(ends[1]);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_killed_writer_left_goes),
        cmocka_unit_test(test_two_writers_leave_one_whole_file),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_foreign_names_stay),
        cmocka_unit_test(test_places_that_are_no_files),
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
