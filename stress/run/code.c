// SPDX-License-Identifier: MIT
//
// code.c - the program's own files in memory, before anything is measured.
//
// A page of code or of constants is resident from its first use on, and the kernel maps its
// neighbours with it: some hundred KiB come with the first operations of any workload. Of a foreign
// allocator they would look like memory that it holds. So they are mapped beforehand
// (MADV_POPULATE_READ, Linux 5.14): what is read only costs page-cache pages that others share, and
// of what is written the copy takes the page's place.

#include "run/code.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define CODE_PAGE 4096u

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static int code_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_filesz > 0) {
            uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
            uintptr_t end = begin + segment->p_filesz;
            begin -= begin % CODE_PAGE;
            madvise((void *)begin, end - begin, MADV_POPULATE_READ);
        }
    }
    return 0;
}

void code_populate(void)
{
    dl_iterate_phdr(code_object, NULL);
}
