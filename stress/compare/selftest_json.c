// SPDX-License-Identifier: MIT
//
// selftest_json.c - a self-test for programs.

#include "compare/selftest.h"

#ifdef MEMS_HAVE_JANSSON

#include "json/json.h"

static json_t *selftest_json_try(const struct selftest_try *it)
{
    json_t *object = json_object();
    json_object_set_new(object, "seed", json_of_count(it->seed));
    json_object_set_new(object, "ratio", json_of_real(it->ratio));
    json_object_set_new(object, "low", json_of_real(it->low));
    json_object_set_new(object, "high", json_of_real(it->high));
    json_object_set_new(object, "p_holm", json_of_real(it->p_holm));
    json_object_set_new(object, "verdict", json_string(judge_verdict_name(it->verdict)));
    json_object_set_new(object, "alarm", json_boolean(it->alarm));
    json_object_set_new(object, "significant", json_boolean(it->significant));
    json_object_set_new(object, "found", json_boolean(it->found));
    return object;
}

struct json_t *selftest_json(const struct selftest *selftest, const char *kind, int exit_status)
{
    json_t *tries = json_array();
    for (unsigned i = 0; i < selftest->done; i++) {
        json_array_append_new(tries, selftest_json_try(&selftest->tries[i]));
    }
    json_t *object = json_object();
    json_object_set_new(object, "schema", json_string("mems-stress-selftest/1"));
    json_object_set_new(object, "selftest", json_of_text(kind));
    json_object_set_new(object, "exit_status", json_integer(exit_status));
    json_object_set_new(object, "target", json_of_text(selftest->target));
    json_object_set_new(object, "seed", json_of_count(selftest->seed));
    json_object_set_new(object, "threshold_share", json_of_real(selftest->threshold));
    json_object_set_new(object, "repeats", json_integer(selftest->repeats));
    json_object_set_new(object, "times", json_integer(selftest->times));
    json_object_set_new(object, "done", json_integer(selftest->done));
    json_object_set_new(object, "operations", json_of_count(selftest->ops));
    json_object_set_new(object, "delay_steps", json_of_count(selftest->steps));
    json_object_set_new(object, "slowdown_share", json_of_real(selftest->slowdown));
    json_object_set_new(object, "alarms", json_integer(selftest->alarms));
    json_object_set_new(object, "significant", json_integer(selftest->significant));
    json_object_set_new(object, "found", json_integer(selftest->found));
    json_object_set_new(object, "inconclusive", json_integer(selftest->inconclusive));
    json_object_set_new(object, "seconds", json_of_real(selftest->seconds));
    json_object_set_new(object, "tries", tries);
    return object;
}

#else

struct json_t *selftest_json(const struct selftest *selftest, const char *kind, int exit_status)
{
    (void)selftest;
    (void)kind;
    (void)exit_status;
    return NULL;
}

#endif
