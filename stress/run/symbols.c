// SPDX-License-Identifier: MIT
//
// symbols.c - addresses of a process that has ended become names.
//
// The process left bare addresses and its map (run/unwind.c). libdw, of elfutils, makes modules of
// the map, and finds in each the function around an address: in .symtab, which has static functions
// too, else in .dynsym, else in a separate debug file that belongs to it by build id; and the line,
// where there is DWARF. It would also ask servers on the network (debuginfod) if the environment
// names some: a test lab does not, so that name is taken away while it works.

#include "run/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "measure/proc.h"

#ifdef MEMS_HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

static const Dwfl_Callbacks symbols_callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

bool symbols_possible(void)
{
    return true;
}

static void symbols_line(FILE *out, Dwfl *dwfl, uint64_t address)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *file = NULL;
    int line = 0;
    GElf_Addr start = 0;
    Dwfl_Module *module = dwfl_addrmodule(dwfl, address);
    if (module == NULL) {
        fprintf(out, "0x%llx\n", (unsigned long long)address);
        return;
    }
    const char *object = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    const char *name = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
    if (name != NULL) {
        fprintf(out, "%s+0x%llx ", name, (unsigned long long)offset);
    }
    fprintf(out, "(%s+0x%llx)", object, (unsigned long long)(address - start));
    Dwfl_Line *found = dwfl_module_getsrc(module, address);
    if (found != NULL) {
        file = dwfl_lineinfo(found, NULL, &line, NULL, NULL, NULL);
    }
    if (file != NULL) {
        fprintf(out, " %s:%d", file, line);
    }
    fprintf(out, "\n");
}

static Dwfl *symbols_open(const char *maps)
{
    Dwfl *dwfl = dwfl_begin(&symbols_callbacks);
    FILE *in = *maps != '\0' ? fmemopen((void *)(uintptr_t)maps, strlen(maps), "r") : NULL;
    if (dwfl != NULL && in != NULL) {
        dwfl_linux_proc_maps_report(dwfl, in);
        dwfl_report_end(dwfl, NULL, NULL);
    }
    if (in != NULL) {
        fclose(in);
    }
    return dwfl;
}

static void symbols_close(Dwfl *dwfl)
{
    if (dwfl != NULL) {
        dwfl_end(dwfl);
    }
}

// ---- a thread that does not answer --------------------------------------------------------------

static int symbols_frame(Dwfl_Frame *frame, void *argument)
{
    struct unwind *unwind = argument;
    Dwarf_Addr address;
    bool exact = false;
    if (!dwfl_frame_pc(frame, &address, &exact)) {
        return DWARF_CB_ABORT;
    }
    unwind->frame[unwind->count++] = exact ? address : address - 1;
    return unwind->count < UNWIND_FRAMES ? DWARF_CB_OK : DWARF_CB_ABORT;
}

// A thread in an uninterruptible sleep would not stop for us, and we would wait.
static bool symbols_stops(pid_t process, pid_t thread)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)process, (int)thread);
    proc_read(path, text, sizeof text);
    const char *after = strrchr(text, ')'); // the name may hold anything
    return after != NULL && strchr("RSTt", after[1] == ' ' ? after[2] : '?') != NULL;
}

bool symbols_look(pid_t process, pid_t thread, struct unwind *unwind)
{
    if (!symbols_stops(process, thread)) {
        return false;
    }
    Dwfl *dwfl = dwfl_begin(&symbols_callbacks);
    unwind->count = 0;
    if (dwfl != NULL && dwfl_linux_proc_report(dwfl, process) == 0 &&
        dwfl_report_end(dwfl, NULL, NULL) == 0 &&
        dwfl_linux_proc_attach(dwfl, process, false) == 0) {
        dwfl_getthread_frames(dwfl, thread, symbols_frame, unwind);
    }
    symbols_close(dwfl);
    return unwind->count > 0;
}

#else

struct symbols_maps {
    const char *text;
};

bool symbols_possible(void)
{
    return false;
}

// The object whose lines of the map are around the address; its least address is where it begins.
static void symbols_line(FILE *out, const struct symbols_maps *maps, uint64_t address)
{
    unsigned long long from, to, first = 0;
    char object[4096], last[4096] = "";
    for (const char *line = maps->text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %4095[^\n]", &from, &to, object) != 3) {
            continue;
        }
        if (strcmp(object, last) != 0) {
            strcpy(last, object);
            first = from;
        }
        if (address >= from && address < to) {
            fprintf(out, "(%s+0x%llx)\n", object, address - first);
            return;
        }
    }
    fprintf(out, "0x%llx\n", (unsigned long long)address);
}

static struct symbols_maps *symbols_open(const char *text)
{
    struct symbols_maps *maps = malloc(sizeof *maps);
    if (maps != NULL) {
        maps->text = text;
    }
    return maps;
}

static void symbols_close(struct symbols_maps *maps)
{
    free(maps);
}

bool symbols_look(pid_t process, pid_t thread, struct unwind *unwind)
{
    (void)process;
    (void)thread;
    (void)unwind;
    return false;
}

#endif

// As many whole lines as there is room for.
static void symbols_keep(const char *text, size_t length, char *room, size_t size)
{
    length = length < size ? length : size - 1;
    while (length > 0 && text[length - 1] != '\n') {
        length--;
    }
    memcpy(room, text, length);
    room[length] = '\0';
}

void symbols_resolve(struct evidence *evidence)
{
    if (evidence->maps[0] == '\0') {
        return; // nobody left an address
    }
    char *servers = getenv("DEBUGINFOD_URLS");
    servers = servers != NULL ? strdup(servers) : NULL;
    unsetenv("DEBUGINFOD_URLS");
    __auto_type maps = symbols_open(evidence->maps);
    for (unsigned i = 0; maps != NULL && i <= EVIDENCE_TRACES; i++) {
        struct evidence_trace *trace = i == 0 ? &evidence->trace : &evidence->dump[i - 1];
        uint32_t count = __atomic_load_n(&trace->unwind.count, __ATOMIC_ACQUIRE);
        char *text;
        size_t length;
        FILE *out = count > 0 ? disk_memory(&text, &length) : NULL;
        for (uint32_t k = 0; out != NULL && k < count && k < UNWIND_FRAMES; k++) {
            symbols_line(out, maps, trace->unwind.frame[k]);
        }
        if (out != NULL && fclose(out) == 0) {
            symbols_keep(text, length, trace->text, sizeof trace->text);
            free(text);
        }
    }
    symbols_close(maps);
    if (servers != NULL) {
        setenv("DEBUGINFOD_URLS", servers, 1);
        free(servers);
    }
}
