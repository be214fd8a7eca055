// SPDX-License-Identifier: MIT
//
// test_roff.c - text and Markdown as macros of man(7): what is escaped, where paragraphs and tags
// begin.

#include "cli/roff.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"

static char *made;
static size_t made_size;

static FILE *begin(void)
{
    free(made);
    return open_memstream(&made, &made_size);
}

static void ends(FILE *out, const char *wanted)
{
    assert_int_equal(fclose(out), 0);
    assert_string_equal(made, wanted);
}

static void test_escapes(void **state)
{
    (void)state;
    FILE *out = begin();
    roff_text(out, ".so it's\n--set a\\b ~^`");
    ends(out, "\\&.so it\\(aqs\n\\-\\-set a\\eb \\(ti\\(ha\\(ga\n");
}

static void test_paragraphs_and_tags(void **state)
{
    (void)state;
    FILE *out = begin();
    roff_text(out, "\nOne\n\n\nTwo, and\n   more\n\n  tag   what\n        it says\n\nThree");
    ends(out, "One\n.PP\nTwo, and\nmore\n.TP\n\\fBtag\\fR\nwhat\nit says\n.PP\nThree\n");
    out = begin();
    roff_paragraph(out, "\ntag  what\n");
    ends(out, ".TP\n\\fBtag\\fR\nwhat\n");
    out = begin();
    roff_paragraph(out, "A sentence.  Another\n");
    ends(out, ".PP\nA sentence.  Another\n");
}

static void test_example(void **state)
{
    (void)state;
    FILE *out = begin();
    roff_example(out, "a -b\n.c\n");
    ends(out, ".in +4n\n.EX\na \\-b\n\\&.c\n.EE\n.in\n");
}

static void test_markdown(void **state)
{
    (void)state;
    FILE *out = begin();
    roff_markdown(out, "# Title\n\nOne `two` *three* **four** 2 * 3\n\n## A head\n\n"
                       "| name | bytes | what |\n|---|---|---|\n| `a` | 4 | it \\| that |\n"
                       "| b | | *else* |\n\nAfter\n\n1. first\n   goes on\n2. second\n\nLast\n");
    ends(out,
         ".SH \"DESCRIPTION\"\nOne \\fBtwo\\fR \\fIthree\\fR \\fBfour\\fR 2 * 3\n.SH \"A HEAD\"\n"
         ".TP\n\\fBa\\fR (4 bytes)\nit \\e| that\n.TP\nb\n\\fIelse\\fR\n.PP\nAfter\n"
         ".IP 1. 4\nfirst\ngoes on\n.IP 2. 4\nsecond\n.PP\nLast\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_paragraphs_and_tags),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_markdown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(made);
    return failed;
}
