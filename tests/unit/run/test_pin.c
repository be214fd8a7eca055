// SPDX-License-Identifier: MIT
//
// test_pin.c - which CPU each worker stays on.

#include "run/pin.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct complaint complaint;

// "" where the job or the pin is bad; `complaint` then says why.
static const char *resolve(const char *pin, unsigned threads)
{
    static char text[PIN_TEXT];
    char job_text[512];
    struct job *job;
    int length =
        snprintf(job_text, sizeof job_text,
                 "[it]\nworkload = churn\ntarget = null\nthreads = %u\npin = %s\n", threads, pin);
    complaint.text[0] = '\0';
    if (job_parse(job_text, (size_t)length, "job", "/", &job, &complaint) != 0) {
        return "";
    }
    int error = pin_resolve(&job->sections[0], text, &complaint);
    assert_true((error != 0) == (complaint.text[0] != '\0'));
    job_free(job);
    return error == 0 ? text : "";
}

static unsigned first_allowed(void)
{
    cpu_set_t allowed;
    unsigned cpu = 0;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET(cpu, &allowed)) {
        cpu++;
    }
    return cpu;
}

static void test_resolving(void **state)
{
    (void)state;
    char list[32];
    snprintf(list, sizeof list, "%u", first_allowed());
    assert_string_equal(resolve("none", 2), "");
    assert_string_equal(complaint.text, "");
    assert_string_equal(resolve(list, 2), list);
    assert_string_equal(resolve("compact", 1), list);
    assert_string_equal(resolve("spread", 1), list);
}

static void test_complaints(void **state)
{
    (void)state;
    static const char *const bad[] = {"left", "0-", "1-0", "0//1", "/0", "0/", "-1", "0-1x"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(resolve(bad[i], 1), "");
        if (strncmp(complaint.text, "job:5:", 6) != 0 || strstr(complaint.text, "0-3/8") == NULL) {
            fail_msg("pin = %s is answered with: %s", bad[i], complaint.text);
        }
    }
    assert_string_equal(resolve("1023", 1), "");
    assert_non_null(strstr(complaint.text, "CPU 1023 is not there"));
}

static void *pinned_to(void *argument)
{
    cpu_set_t mask;
    assert_int_equal(pin_thread(argument, 5), 0);
    sched_getaffinity(0, sizeof mask, &mask);
    return (void *)(uintptr_t)(CPU_COUNT(&mask) == 1 && CPU_ISSET((size_t)sched_getcpu(), &mask));
}

static void test_a_thread_stays(void **state)
{
    (void)state;
    char list[32];
    pthread_t thread;
    void *stays;
    snprintf(list, sizeof list, "%u", first_allowed());
    assert_int_equal(pthread_create(&thread, NULL, pinned_to, list), 0);
    pthread_join(thread, &stays);
    assert_non_null(stays);
    assert_int_equal(pin_thread("", 0), 0);
    assert_int_equal(pin_thread("1022-1023", 0) != 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolving),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_a_thread_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
