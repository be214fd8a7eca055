// SPDX-License-Identifier: MIT
//
// tree.c - an AVL tree (Adelson-Velsky, Landis 1962) with parent links and summaries.
//
// 1. Theory. balance = height(right) - height(left), one of -1, 0, 1, so the height is at most
//    1.44 log2(n + 2). An insertion or a removal changes the height of one subtree by one; the
//    change is carried upwards until a node absorbs it, and a node that would tip over (balance
//    -2 or 2) is rotated. An insertion rotates at one node, a removal at O(log n).
// 2. Summaries. A node's summary is a function of the node and its children's summaries. Whatever
//    changes a subtree climbs to the root through tree_climb, which recomputes the summaries on
//    its way, children before parents, and stops where neither the height nor the summary changed.
//    A rotation puts another node at the top of a subtree, whose old summary says nothing about
//    the place's old one: then the level above is recomputed in any case. The same holds for the
//    node that takes a removed one's place.
// 3. If you change this: tree_check sees T1 to T3; the test compares with a sorted array after
//    every step.

#include "base/tree.h"

// More levels than any tree in a 64-bit address space can have.
#define TREE_HEIGHT 96

static int tree_balance(const struct tree_node *node)
{
    return (int)(node->parent_balance & 3) - 1;
}

static void tree_set_balance(struct tree_node *node, int balance)
{
    node->parent_balance = (node->parent_balance & ~(uintptr_t)3) | (uintptr_t)(balance + 1);
}

static void tree_set_parent(struct tree_node *node, struct tree_node *parent)
{
    node->parent_balance = (uintptr_t)parent | (node->parent_balance & 3);
}

static bool tree_summarise(const struct tree *tree, struct tree_node *node)
{
    return tree->summarise != NULL && tree->summarise(node);
}

// Hangs `node` (may be NULL) where `old` hangs below `parent` (NULL: at the root).
static void tree_replace(struct tree *tree, struct tree_node *parent, const struct tree_node *old,
                         struct tree_node *node)
{
    if (parent == NULL) {
        tree->root = node;
    } else {
        parent->child[parent->child[1] == old] = node;
    }
    if (node != NULL) {
        tree_set_parent(node, parent);
    }
}

// Rotates `node` above its parent; the order stays. Balances are the caller's business.
static void tree_lift(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent = tree_parent(node);
    unsigned side = parent->child[1] == node;
    struct tree_node *inner = node->child[!side];
    tree_replace(tree, tree_parent(parent), parent, node);
    parent->child[side] = inner;
    if (inner != NULL) {
        tree_set_parent(inner, parent);
    }
    node->child[!side] = parent;
    tree_set_parent(parent, node);
    (void)tree_summarise(tree, parent);
    (void)tree_summarise(tree, node);
}

// `node` leans by two to the side of `sign`. Returns the node that stands in its place afterwards.
static struct tree_node *tree_rebalance(struct tree *tree, struct tree_node *node, int sign)
{
    unsigned heavy = sign > 0;
    struct tree_node *child = node->child[heavy];
    int lean = tree_balance(child);
    if (lean != -sign) {
        tree_lift(tree, child);
        tree_set_balance(node, lean == 0 ? sign : 0);
        tree_set_balance(child, lean == 0 ? -sign : 0);
        return child;
    }
    struct tree_node *middle = child->child[!heavy];
    lean = tree_balance(middle);
    tree_lift(tree, middle);
    tree_lift(tree, middle);
    tree_set_balance(node, lean == sign ? -sign : 0);
    tree_set_balance(child, lean == -sign ? sign : 0);
    tree_set_balance(middle, 0);
    return middle;
}

// The subtree of `node` on `side` has changed, and grown by `growth` (-1, 0, 1) levels. Carries
// that upwards, at least past `moved` (a node on the way that has changed its place, or NULL).
static void tree_climb(struct tree *tree, struct tree_node *node, unsigned side, int growth,
                       const struct tree_node *moved)
{
    bool stale = true; // the summaries here and above may be wrong
    while (node != NULL && (growth != 0 || stale || moved != NULL)) {
        struct tree_node *parent = tree_parent(node);
        unsigned above = parent != NULL && parent->child[1] == node;
        int balance = tree_balance(node) + (side != 0 ? growth : -growth);
        bool passed = node == moved;
        if (balance == 2 || balance == -2) {
            const struct tree_node *top = tree_rebalance(tree, node, balance / 2);
            growth = growth < 0 && tree_balance(top) == 0 ? -1 : 0;
            stale = true;
        } else {
            tree_set_balance(node, balance);
            bool taller = growth > 0 && balance != 0;
            bool shorter = growth < 0 && balance == 0;
            growth = (int)taller - (int)shorter;
            stale = tree_summarise(tree, node) || passed;
        }
        moved = passed ? NULL : moved;
        side = above;
        node = parent;
    }
}

void tree_init(struct tree *tree,
               bool (*before)(const struct tree_node *, const struct tree_node *),
               bool (*summarise)(struct tree_node *))
{
    *tree = (struct tree){.before = before, .summarise = summarise};
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent = NULL;
    struct tree_node *below = tree->root;
    unsigned side = 0;
    while (below != NULL) {
        parent = below;
        side = tree->before(below, node);
        below = below->child[side];
    }
    *node = (struct tree_node){.parent_balance = 0};
    tree_set_parent(node, parent);
    tree_set_balance(node, 0);
    if (parent == NULL) {
        tree->root = node;
    } else {
        parent->child[side] = node;
    }
    tree->count++;
    (void)tree_summarise(tree, node);
    tree_climb(tree, parent, side, 1, NULL);
}

// Puts the next larger node in the place of `node`, which has two children. Returns the lowest node
// whose subtree changed, and the side on which it did.
static struct tree_node *tree_substitute(struct tree *tree, struct tree_node *node,
                                         struct tree_node *next, unsigned *side)
{
    struct tree_node *start = next;
    *side = 1;
    if (next != node->child[1]) {
        start = tree_parent(next);
        *side = 0;
        tree_replace(tree, start, next, next->child[1]);
        next->child[1] = node->child[1];
        tree_set_parent(next->child[1], next);
    }
    next->child[0] = node->child[0];
    tree_set_parent(next->child[0], next);
    tree_replace(tree, tree_parent(node), node, next);
    tree_set_balance(next, tree_balance(node));
    return start;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    tree->count--;
    if (node->child[0] != NULL && node->child[1] != NULL) {
        struct tree_node *next = tree_next(node);
        unsigned side;
        struct tree_node *start = tree_substitute(tree, node, next, &side);
        tree_climb(tree, start, side, -1, next);
        return;
    }
    struct tree_node *parent = tree_parent(node);
    unsigned side = parent != NULL && parent->child[1] == node;
    tree_replace(tree, parent, node, node->child[node->child[0] == NULL]);
    tree_climb(tree, parent, side, -1, NULL);
}

void tree_changed(struct tree *tree, struct tree_node *node)
{
    tree_climb(tree, node, 0, 0, NULL);
}

static struct tree_node *tree_end(struct tree_node *node, unsigned side)
{
    while (node != NULL && node->child[side] != NULL) {
        node = node->child[side];
    }
    return node;
}

static struct tree_node *tree_step(const struct tree_node *node, unsigned side)
{
    if (node->child[side] != NULL) {
        return tree_end(node->child[side], !side);
    }
    struct tree_node *parent = tree_parent(node);
    while (parent != NULL && parent->child[side] == node) {
        node = parent;
        parent = tree_parent(node);
    }
    return parent;
}

struct tree_node *tree_first(const struct tree *tree)
{
    return tree_end(tree->root, 0);
}

struct tree_node *tree_last(const struct tree *tree)
{
    return tree_end(tree->root, 1);
}

struct tree_node *tree_next(const struct tree_node *node)
{
    return tree_step(node, 1);
}

struct tree_node *tree_previous(const struct tree_node *node)
{
    return tree_step(node, 0);
}

struct tree_node *tree_lower_bound(const struct tree *tree,
                                   bool (*at_or_after)(const struct tree_node *, const void *),
                                   const void *key)
{
    struct tree_node *found = NULL;
    struct tree_node *node = tree->root;
    while (node != NULL) {
        bool after = at_or_after(node, key);
        found = after ? node : found;
        node = node->child[!after];
    }
    return found;
}

// What a check has seen so far, in order.
struct tree_audit {
    const struct tree *tree;
    const struct tree_node *previous;
    size_t count;
};

// The height of the subtree, or -1 when it breaks an invariant.
static int tree_audit(struct tree_audit *audit, struct tree_node *node,
                      const struct tree_node *parent, int depth)
{
    if (node == NULL) {
        return 0;
    }
    if (depth > TREE_HEIGHT || tree_parent(node) != parent) {
        return -1;
    }
    int left = tree_audit(audit, node->child[0], node, depth + 1);
    if (left < 0 ||
        (audit->previous != NULL && !audit->tree->before(audit->previous, node))) { // T1
        return -1;
    }
    audit->previous = node;
    audit->count++;
    int right = tree_audit(audit, node->child[1], node, depth + 1);
    int balance = right - left;
    if (right < 0 || balance < -1 || balance > 1 || balance != tree_balance(node) || // T2
        tree_summarise(audit->tree, node)) {                                         // T3
        return -1;
    }
    return 1 + (left > right ? left : right);
}

bool tree_check(const struct tree *tree)
{
    struct tree_audit audit = {.tree = tree};
    return tree_audit(&audit, tree->root, NULL, 0) >= 0 && audit.count == tree->count;
}
