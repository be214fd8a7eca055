// SPDX-License-Identifier: MIT
//
// tree.h - an intrusive balanced tree (AVL) whose nodes may carry a summary of their subtree.
//
// The owner embeds a tree_node in its own struct and gives the order as a function. With a
// `summarise` function the tree keeps, in each node, something computed from the node and its two
// children (the largest hole below it): that is what makes an exact first fit by address O(log n).
// Nothing is allocated; insert and remove are O(log n) in the worst case. Not thread-safe.

#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/container.h"

struct tree_node {
    struct tree_node *child[2]; // smaller, larger
    uintptr_t parent_balance;   // parent; the low two bits hold balance + 1
};

// left < node < right for every node in `before`'s order                                       (T1)
// | height(left) - height(right) | <= 1                                                        (T2)
// summarise(node) changes nothing when called again on any node                                (T3)
struct tree {
    struct tree_node *root;
    size_t count;
    bool (*before)(const struct tree_node *a, const struct tree_node *b); // strict order
    // Recomputes node's summary from itself and its children's; returns whether it changed.
    // NULL: no summary.
    bool (*summarise)(struct tree_node *node);
};

void tree_init(struct tree *tree,
               bool (*before)(const struct tree_node *, const struct tree_node *),
               bool (*summarise)(struct tree_node *));
void tree_insert(struct tree *tree, struct tree_node *node); // not equal to any in the tree
void tree_remove(struct tree *tree, struct tree_node *node);
// The node's own value for the summary changed (a hole shrank in place): carries it upwards.
// Its place in the order must not have changed.
void tree_changed(struct tree *tree, struct tree_node *node);

struct tree_node *tree_first(const struct tree *tree); // NULL when empty
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

// The first node for which at_or_after(node, key) is true; it must be false for a prefix of the
// order and true for the rest. NULL when it is true for none.
struct tree_node *tree_lower_bound(const struct tree *tree,
                                   bool (*at_or_after)(const struct tree_node *, const void *),
                                   const void *key);

static inline struct tree_node *tree_parent(const struct tree_node *node)
{
    return (struct tree_node *)(node->parent_balance & ~(uintptr_t)3);
}

// Verifies T1 to T3 and the count. O(n).
bool tree_check(const struct tree *tree);

#endif
