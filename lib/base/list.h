// SPDX-License-Identifier: MIT
//
// list.h - an intrusive doubly linked list, circular through its head. Not thread-safe.

#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/container.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_after(struct list *place, struct list *item)
{
    item->next = place->next;
    item->previous = place;
    place->next->previous = item;
    place->next = item;
}

static inline void list_push_front(struct list *head, struct list *item)
{
    list_insert_after(head, item);
}

static inline void list_push_back(struct list *head, struct list *item)
{
    list_insert_after(head->previous, item);
}

static inline void list_remove(struct list *item)
{
    item->previous->next = item->next;
    item->next->previous = item->previous;
    list_init(item);
}

#endif
