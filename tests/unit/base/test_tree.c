// SPDX-License-Identifier: MIT
//
// test_tree.c - the tree against a sorted array, and tree_check against planted faults.

#include "support/test.h"

#include <string.h>

#include "base/rng.h"
#include "base/tree.h"

#define NODES 600

struct hole {
    struct tree_node node;
    uint64_t key;
    uint64_t size;
    uint64_t largest; // of the subtree
    bool in;
};

static struct hole holes[NODES];     // sorted by key: the model
static unsigned long summaries_made; // calls of summarise

static struct hole *hole_of(const struct tree_node *node)
{
    return container_of((struct tree_node *)(uintptr_t)node, struct hole, node);
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return hole_of(a)->key < hole_of(b)->key;
}

static bool summarise(struct tree_node *node)
{
    struct hole *hole = hole_of(node);
    uint64_t largest = hole->size;
    for (unsigned side = 0; side < 2; side++) {
        if (node->child[side] != NULL && hole_of(node->child[side])->largest > largest) {
            largest = hole_of(node->child[side])->largest;
        }
    }
    bool changed = largest != hole->largest;
    hole->largest = largest;
    summaries_made++;
    return changed;
}

static bool at_or_after(const struct tree_node *node, const void *key)
{
    return hole_of(node)->key >= *(const uint64_t *)key;
}

static void make_holes(struct rng *rng)
{
    for (size_t i = 0; i < NODES; i++) {
        holes[i] = (struct hole){.key = i * 10, .size = 1 + rng_below(rng, 1000)};
    }
}

// The model's answers for everything the tree can say.
static void compare(const struct tree *tree, size_t nodes)
{
    size_t count = 0;
    uint64_t largest = 0;
    const struct tree_node *expected = tree_first(tree);
    const struct hole *last = NULL;
    for (size_t i = 0; i < nodes; i++) {
        if (holes[i].in) {
            assert_ptr_equal(expected, &holes[i].node);
            assert_ptr_equal(tree_previous(expected), last == NULL ? NULL : &last->node);
            last = &holes[i];
            expected = tree_next(expected);
            count++;
            largest = holes[i].size > largest ? holes[i].size : largest;
        }
    }
    assert_null(expected);
    assert_ptr_equal(tree_last(tree), last == NULL ? NULL : &last->node);
    assert_int_equal(tree->count, count);
    if (count > 0) {
        assert_int_equal(hole_of(tree->root)->largest, largest);
    }
}

static void check_lower_bound(const struct tree *tree, size_t nodes, uint64_t key)
{
    const struct tree_node *expected = NULL;
    for (size_t i = nodes; i-- > 0;) {
        if (holes[i].in && holes[i].key >= key) {
            expected = &holes[i].node;
        }
    }
    assert_ptr_equal(tree_lower_bound(tree, at_or_after, &key), expected);
}

static void random_step(struct tree *tree, struct rng *rng, size_t nodes)
{
    struct hole *hole = &holes[rng_below(rng, nodes)];
    if (!hole->in) {
        hole->largest = rng_below(rng, 2000); // stale rubbish must not matter
        tree_insert(tree, &hole->node);
        hole->in = true;
    } else if (rng_below(rng, 3) == 0) {
        hole->size = 1 + rng_below(rng, 1000);
        tree_changed(tree, &hole->node);
    } else {
        tree_remove(tree, &hole->node);
        hole->in = false;
    }
}

static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    static const size_t sizes[] = {1, 2, 3, 5, 8, 16, 50, NODES};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        make_holes(&rng);
        struct tree tree;
        tree_init(&tree, before, summarise);
        for (unsigned step = 0; step < 6000 / MEMS_TEST_SCALE; step++) {
            random_step(&tree, &rng, sizes[s]);
            assert_true(tree_check(&tree));
            compare(&tree, sizes[s]);
            check_lower_bound(&tree, sizes[s], rng_below(&rng, sizes[s] * 10 + 10));
        }
    }
}

static void test_without_summary(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    make_holes(&rng);
    struct tree tree;
    tree_init(&tree, before, NULL);
    for (unsigned step = 0; step < 2000; step++) {
        struct hole *hole = &holes[rng_below(&rng, 100)];
        if (hole->in) {
            tree_remove(&tree, &hole->node);
        } else {
            tree_insert(&tree, &hole->node);
        }
        hole->in = !hole->in;
        assert_true(tree_check(&tree));
    }
}

static size_t height(const struct tree_node *node)
{
    if (node == NULL) {
        return 0;
    }
    size_t left = height(node->child[0]);
    size_t right = height(node->child[1]);
    return 1 + (left > right ? left : right);
}

// Ascending, descending: the orders that make an unbalanced tree a list.
static void test_height(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    for (unsigned descending = 0; descending < 2; descending++) {
        make_holes(&rng);
        struct tree tree;
        tree_init(&tree, before, summarise);
        for (size_t i = 0; i < NODES; i++) {
            tree_insert(&tree, &holes[descending ? NODES - 1 - i : i].node);
        }
        assert_true(tree_check(&tree));
        assert_true(height(tree.root) <= 13); // 1.44 log2(602)
        for (size_t i = 0; i < NODES - 10; i++) {
            tree_remove(&tree, &holes[descending ? NODES - 1 - i : i].node);
            assert_true(tree_check(&tree));
        }
        assert_true(height(tree.root) <= 5); // 1.44 log2(12)
    }
}

// A change that does not reach the root's summary must not climb to the root.
static void test_changed_stops_early(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    make_holes(&rng);
    struct tree tree;
    tree_init(&tree, before, summarise);
    for (size_t i = 0; i < NODES; i++) {
        holes[i].size = 100;
        tree_insert(&tree, &holes[i].node);
    }
    struct hole *hole = hole_of(tree_first(&tree));
    hole->size = 50; // a leaf or near one: its neighbour still has 100
    summaries_made = 0;
    tree_changed(&tree, &hole->node);
    assert_true(summaries_made <= 3);
    assert_true(tree_check(&tree));
}

static void test_check_can_fail(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    make_holes(&rng);
    struct tree tree;
    tree_init(&tree, before, summarise);
    for (size_t i = 0; i < 100; i++) {
        tree_insert(&tree, &holes[i].node);
    }
    assert_true(tree_check(&tree));

    tree.count++;
    assert_false(tree_check(&tree));
    tree.count--;

    holes[40].key = 3; // order
    assert_false(tree_check(&tree));
    holes[40].key = 400;

    holes[40].largest += 5000; // summary; the check repairs it
    assert_false(tree_check(&tree));
    assert_true(tree_check(&tree));

    holes[40].node.parent_balance ^= 1; // balance
    assert_false(tree_check(&tree));
    holes[40].node.parent_balance ^= 1;

    struct tree_node *child = tree.root->child[0];
    tree.root->child[0] = NULL; // a lost subtree
    assert_false(tree_check(&tree));
    tree.root->child[0] = child;

    uintptr_t saved = child->parent_balance;
    child->parent_balance = (uintptr_t)&holes[0].node | (saved & 3); // parent link
    assert_false(tree_check(&tree));
    child->parent_balance = saved;
    assert_true(tree_check(&tree));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),         cmocka_unit_test(test_without_summary),
        cmocka_unit_test(test_height),         cmocka_unit_test(test_changed_stops_early),
        cmocka_unit_test(test_check_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
