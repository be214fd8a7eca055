// SPDX-License-Identifier: MIT
//
// swap.c - slots of one page each, in a file.
//
// 1. The file has no name and its blocks are reserved when it is opened (os/file.c): whatever
//    happens to the process nothing is left, and a full disk is told at the start.
// 2. The lowest free slot is taken, so the file is used from its beginning and stays dense.
// 3. Reading and writing take no lock: who does it is a user of the slot, or will find out that its
//    page has ended and throw away what it read. A slot that was left may still be written by who
//    had it; it is taken again only by the same mover, one page after the other.

#include "memory/swap.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"

int swap_open(struct swap *swap, const char *folder, size_t length, uint32_t count,
              unsigned page_bits)
{
    uint64_t users = (uint64_t)count * sizeof(uint32_t), bytes = 0;
    *swap = (struct swap){.page_bits = page_bits, .file = -1};
    lock_init(&swap->lock, LOCK_FRAMES, "swap", LOCK_LAST);
    if (count == 0) {
        return 0;
    }
    bits_round_up(users, sizeof(uint64_t), &users);
    bits_round_up(users + bitmap_bytes(count), os_page_size(), &bytes);
    int error = os_file_open(folder, length, (uint64_t)count << page_bits, &swap->file);
    if (error != 0) {
        return error;
    }
    char *mapping = os_map(bytes, 0);
    if (mapping == NULL) {
        os_file_close(swap->file);
        return ENOMEM;
    }
    swap->count = count;
    swap->mapped = bytes;
    swap->users = (uint32_t *)(void *)mapping;
    bitmap_init(&swap->back, count, mapping + users);
    return 0;
}

void swap_close(struct swap *swap)
{
    if (swap->count != 0) {
        os_unmap(swap->users, swap->mapped);
        os_file_close(swap->file);
        swap->count = 0;
    }
}

uint32_t swap_take(struct swap *swap)
{
    uint32_t slot = SWAP_NONE;
    lock_lock(&swap->lock);
    uint64_t lowest = swap->count == 0 ? BITMAP_NONE : bitmap_first(&swap->back);
    if (lowest != BITMAP_NONE) {
        bitmap_remove(&swap->back, lowest);
        slot = (uint32_t)lowest;
    } else if (swap->fresh < swap->count) {
        slot = swap->fresh++;
    }
    if (slot != SWAP_NONE) {
        swap->users[slot] = 1;
        swap->used++;
    }
    lock_unlock(&swap->lock);
    return slot;
}

void swap_share(struct swap *swap, uint32_t slot)
{
    lock_lock(&swap->lock);
    swap->users[slot]++;
    lock_unlock(&swap->lock);
}

void swap_leave(struct swap *swap, uint32_t slot)
{
    lock_lock(&swap->lock);
    if (--swap->users[slot] == 0) {
        bitmap_insert(&swap->back, slot);
        swap->used--;
    }
    lock_unlock(&swap->lock);
}

uint32_t swap_users(struct swap *swap, uint32_t slot)
{
    lock_lock(&swap->lock);
    uint32_t users = swap->users[slot];
    lock_unlock(&swap->lock);
    return users;
}

uint32_t swap_used(struct swap *swap)
{
    lock_lock(&swap->lock);
    uint32_t used = swap->used;
    lock_unlock(&swap->lock);
    return used;
}

int swap_read(struct swap *swap, uint32_t slot, void *page)
{
    return os_file_read(swap->file, page, (size_t)1 << swap->page_bits,
                        (uint64_t)slot << swap->page_bits);
}

int swap_write(struct swap *swap, uint32_t slot, const void *page)
{
    return os_file_write(swap->file, page, (size_t)1 << swap->page_bits,
                         (uint64_t)slot << swap->page_bits);
}

const char *swap_check(struct swap *swap)
{
    const char *broken = NULL;
    if (swap->count == 0) {
        return NULL;
    }
    lock_lock(&swap->lock);
    if (!bitmap_check(&swap->back) || swap->back.count + swap->used != swap->fresh) {
        broken = "W1";
    }
    for (uint32_t i = 0; i < swap->fresh && broken == NULL; i++) {
        broken = bitmap_has(&swap->back, i) != (swap->users[i] == 0) ? "W2" : NULL;
    }
    lock_unlock(&swap->lock);
    return broken;
}
