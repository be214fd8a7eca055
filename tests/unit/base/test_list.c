// SPDX-License-Identifier: MIT
//
// test_list.c - the order of a list after each kind of step.

#include "support/test.h"

#include "base/list.h"

static void expect(const struct list *head, struct list *const *items, size_t count)
{
    const struct list *at = head;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(at->next, items[i]);
        assert_ptr_equal(items[i]->previous, at);
        at = at->next;
    }
    assert_ptr_equal(at->next, head);
    assert_ptr_equal(head->previous, at);
    assert_int_equal(list_empty(head), count == 0);
}

static void test_order(void **state)
{
    (void)state;
    struct list head;
    struct list a;
    struct list b;
    struct list c;
    list_init(&head);
    expect(&head, NULL, 0);
    list_push_back(&head, &b);
    list_push_front(&head, &a);
    list_insert_after(&b, &c);
    expect(&head, (struct list *[]){&a, &b, &c}, 3);
    list_remove(&b);
    expect(&head, (struct list *[]){&a, &c}, 2);
    assert_true(list_empty(&b));
    list_remove(&b); // a removed item is a list of its own
    list_remove(&a);
    list_remove(&c);
    expect(&head, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
