// SPDX-License-Identifier: MIT
//
// date.c - moments as results have them, and days and times as people write them.
//
// Results have their start in UTC, in one of the forms of ISO 8601: 2026-11-20T13:05:00Z. Texts of
// this form are in the order of time, so that a database can sort and compare them; hence nothing
// else may get in.

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history/inner.h"

static const char date_form[] = "dddd-dd-ddTdd:dd:ddZ";

static int date_number(const char *text, size_t at, size_t digits)
{
    int number = 0;
    for (size_t i = at; i < at + digits; i++) {
        number = 10 * number + (text[i] - '0');
    }
    return number;
}

static int date_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

// What the digits say, of a text of the right form.
static bool date_exists(const char *text)
{
    int year = date_number(text, 0, 4);
    int month = date_number(text, 5, 2);
    int day = date_number(text, 8, 2);
    return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= date_days(year, month) &&
           date_number(text, 11, 2) < 24 && date_number(text, 14, 2) < 60 &&
           date_number(text, 17, 2) < 60;
}

bool date_is_moment(const char *text)
{
    if (strlen(text) != sizeof date_form - 1) {
        return false;
    }
    for (size_t i = 0; date_form[i] != '\0'; i++) {
        if (date_form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != date_form[i]) {
            return false;
        }
    }
    return date_exists(text);
}

enum date_kind date_last(const char *text, struct date *last)
{
    static const char full[] = "0000-00-00T23:59:59Z";
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == 'Z' && length < sizeof date_form - 1) {
        length--; // 2026-11-20T13:05Z
    }
    if (length != 10 && length != 13 && length != 16 && length != 19 && length != 20) {
        return DATE_NONE;
    }
    for (size_t i = 0; i < length; i++) {
        bool digit = date_form[i] == 'd' && isdigit((unsigned char)text[i]);
        if (!digit && text[i] != date_form[i] && !(i == 10 && text[i] == ' ')) {
            return DATE_NONE;
        }
    }
    memcpy(last->text, full, sizeof full);
    memcpy(last->text, text, length);
    last->text[10] = 'T';
    return date_exists(last->text) ? DATE_GOOD : DATE_IMPOSSIBLE;
}

struct date date_before(uint64_t days)
{
    struct date date;
    struct tm parts;
    time_t now = time(NULL);
    time_t then = days < (uint64_t)now / 86400 ? now - (time_t)days * 86400 : 0;
    strftime(date.text, sizeof date.text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &parts));
    return date;
}
