// SPDX-License-Identifier: MIT
//
// batch.c - several results into the archive: all of them, or none.
//
// Each is checked as it comes and kept as small as the archive will, so that a fault in the last of
// a thousand is found before the first is written. Then they get in, in one transaction.

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "history/inner.h"

struct archive_batch {
    struct batch_item {
        void *bytes;
        size_t size;
    } * items;
    size_t count;
};

struct archive_batch *archive_batch_new(void)
{
    return measured_zeroed(1, sizeof(struct archive_batch));
}

int archive_batch_put(struct archive_batch *batch, const char *name, struct json_t *document,
                      struct complaint *complaint)
{
    struct entry entry;
    int error = entry_read(name, document, &entry, complaint);
    if (error != 0) {
        return error;
    }
    entry_fini(&entry);
    void *items = batch->items;
    struct batch_item *item = archive_grow(&items, batch->count++, sizeof *item);
    batch->items = items;
    item->bytes = figures_pack(document, &item->size);
    return 0;
}

static int batch_keep(const struct archive *archive, const struct batch_item *item, bool *added,
                      struct complaint *complaint)
{
    struct entry entry;
    char *text = pack_undo(item->bytes, item->size, complaint);
    json_t *document = text != NULL ? json_loads(text, 0, NULL) : NULL;
    int error = document == NULL ? EIO : entry_read("a result", document, &entry, complaint);
    if (error == 0) {
        error = figures_keep(archive, &entry, item->bytes, item->size, added, complaint);
        entry_fini(&entry);
    }
    json_decref(document);
    free(text);
    return error;
}

int archive_batch_add(struct archive *archive, const struct archive_batch *batch, size_t *added,
                      struct complaint *complaint)
{
    *added = 0;
    int error = archive_begin(archive, complaint);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < batch->count && error == 0; i++) {
        bool fresh = false;
        error = batch_keep(archive, &batch->items[i], &fresh, complaint);
        *added += fresh;
    }
    error = archive_end(archive, error, complaint);
    *added = error == 0 ? *added : 0;
    return error;
}

size_t archive_batch_count(const struct archive_batch *batch)
{
    return batch->count;
}

void archive_batch_free(struct archive_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->items[i].bytes);
    }
    free(batch->items);
    free(batch);
}
