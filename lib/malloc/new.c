// SPDX-License-Identifier: MIT
//
// new.c - C++'s operators new and delete, by their mangled names.
//
// 1. In C, so that the library needs no C++. What C++ there is in the process is asked for what
//    only it can do: to say which function was set to be called when memory runs out, and to throw.
//    References to it are weak; where libstdc++ came later, with a plug-in, it is looked up.
// 2. new never returns NULL. As long as there is none it calls the new handler, which may make
//    room, throw, or end the program; where there is no handler std::bad_alloc is thrown, and where
//    nobody can throw the program ends with a line that says so. (A static program has of libstdc++
//    what it refers to. One that catches std::bad_alloc has enough; one that never names it and
//    catches all there is may not.)
// 3. new(std::nothrow) calls the handler as well, and what that throws is not to get out. C cannot
//    catch, but libstdc++'s own operator of that name does: it calls the ordinary one, which is
//    ours, and answers NULL when something is thrown. It is called only when memory has run out and
//    a handler is set. A static program has one operator of a name: there an exception that the
//    handler throws at a nothrow form ends the program (std::terminate).
// 4. delete. The forms differ in what they are told; a size that is said is looked at as free_sized
//    does. Forms that are told nothing of use are one function under several names: arguments
//    that a function does not take do no harm.
// 5. The file is compiled with -fexceptions: exceptions pass through it.

#include <stdint.h>

#ifndef MALLOC_STATIC
#include <dlfcn.h>
#endif

#include "base/bits.h"
#include "base/print.h"
#include "malloc/inline.h"
#include "malloc/malloc.h"
#include "os/os.h"

#define CXX(name)  __asm__(name) MALLOC_EXPORT
#define SAME(name) __attribute__((alias(name), visibility("default")))

// std::get_new_handler and std::__throw_bad_alloc.
typedef void (*new_handler)(void);
new_handler new_handler_get(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
void new_throw(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));

typedef void *(*new_nothrow)(size_t size, const void *tag);
typedef void *(*new_aligned_nothrow)(size_t size, size_t align, const void *tag);

// ---- what C++ there is -------------------------------------------------------------------------

// A C++ library's function, or NULL.
static void *cxx_find(const char *name)
{
    void *found = NULL;
#ifndef MALLOC_STATIC
    static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1"};
    for (unsigned i = 0; i < sizeof libraries / sizeof libraries[0] && found == NULL; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found = dlsym(library, name);
            (void)dlclose(library); // whoever has loaded it still has it
        }
    }
#else
    (void)name;
#endif
    return found;
}

static new_handler handler(void)
{
    new_handler (*get)(void) = new_handler_get;
    if (get == NULL) {
        *(void **)&get = cxx_find("_ZSt15get_new_handlerv");
    }
    return get != NULL ? get() : NULL;
}

#ifdef MALLOC_STATIC
// What a program that catches std::bad_alloc has of it, also where it does not throw it itself.
void *cxx_allocate(size_t size) __asm__("__cxa_allocate_exception") __attribute__((weak));
void cxx_throw(void *object, const void *type, void (*destroy)(void *object)) __asm__("__cxa_throw")
    __attribute__((weak));
void cxx_bad_alloc_destroy(void *object) __asm__("_ZNSt9bad_allocD1Ev") __attribute__((weak));
extern const char cxx_bad_alloc_type[] __asm__("_ZTISt9bad_alloc") __attribute__((weak));
extern const char *const cxx_bad_alloc_table[] __asm__("_ZTVSt9bad_alloc") __attribute__((weak));

static void throw_static(void)
{
    if (cxx_allocate != NULL && cxx_throw != NULL && cxx_bad_alloc_destroy != NULL &&
        cxx_bad_alloc_type != NULL && cxx_bad_alloc_table != NULL) {
        const void **object = cxx_allocate(sizeof(void *));
        *object = &cxx_bad_alloc_table[2]; // behind the offset and the type: the functions
        cxx_throw(object, cxx_bad_alloc_type, cxx_bad_alloc_destroy);
    }
}
#endif

static _Noreturn void throw_bad_alloc(size_t size)
{
    void (*throw)(void) = new_throw;
    if (throw == NULL) {
        *(void **)&throw = cxx_find("_ZSt17__throw_bad_allocv");
    }
    if (throw != NULL) {
        throw();
    }
#ifdef MALLOC_STATIC
    throw_static();
#endif
    char text[200];
    struct printer line;
    print_init(&line, text, sizeof text);
    print_format(&line,
                 "mems-malloc: operator new of %zu bytes failed, and there is no C++ library to "
                 "throw std::bad_alloc (thread %u)\n",
                 size, os_thread_id());
    os_die(line.text, line.length);
}

// ---- new, when memory has run out --------------------------------------------------------------

static void *again(size_t size, size_t align)
{
    return align == 0 ? malloc_above(size) : malloc_aligned(align, size);
}

// align: 0, none was asked for; no power of two: nothing can be had.
static __attribute__((noinline)) void *new_slow(size_t size, size_t align)
{
    bool possible = align == 0 || bits_is_power_of_two(align);
    void *block = possible ? again(size, align) : NULL;
    while (block == NULL) {
        new_handler call = possible ? handler() : NULL;
        if (call == NULL) {
            throw_bad_alloc(size);
        }
        call();
        block = again(size, align);
    }
    return block;
}

static __attribute__((noinline)) void *new_nothrow_slow(size_t size, size_t align)
{
    bool possible = align == 0 || bits_is_power_of_two(align);
    void *block = possible ? again(size, align) : NULL;
    if (block != NULL || !possible || handler() == NULL) {
        return block;
    }
    new_nothrow catching = NULL;
    new_aligned_nothrow catching_aligned = NULL;
    char tag = 0;
    *(void **)&catching = cxx_find("_ZnwmRKSt9nothrow_t");
    *(void **)&catching_aligned = cxx_find("_ZnwmSt11align_val_tRKSt9nothrow_t");
    if (catching != NULL && align == 0) {
        return catching(size, &tag);
    }
    if (catching_aligned != NULL && align != 0) {
        return catching_aligned(size, align, &tag);
    }
    for (new_handler call; block == NULL && (call = handler()) != NULL;) {
        call();
        block = again(size, align);
    }
    return block;
}

// ---- new ---------------------------------------------------------------------------------------

void *new_one(size_t size) CXX("_Znwm");
void *new_one(size_t size)
{
    void *block;
    return malloc_in_line(size, &block) ? block : new_slow(size, 0);
}

void *new_one_nothrow(size_t size, const void *tag) CXX("_ZnwmRKSt9nothrow_t");
void *new_one_nothrow(size_t size, const void *tag)
{
    (void)tag;
    void *block;
    return malloc_in_line(size, &block) ? block : new_nothrow_slow(size, 0);
}

void *new_one_aligned(size_t size, size_t align) CXX("_ZnwmSt11align_val_t");
void *new_one_aligned(size_t size, size_t align)
{
    return new_slow(size, align);
}

void *new_one_aligned_nothrow(size_t size, size_t align, const void *tag)
    CXX("_ZnwmSt11align_val_tRKSt9nothrow_t");
void *new_one_aligned_nothrow(size_t size, size_t align, const void *tag)
{
    (void)tag;
    return new_nothrow_slow(size, align);
}

void *new_array(size_t size) CXX("_Znam") SAME("_Znwm");
void *new_array_nothrow(size_t size, const void *tag) CXX("_ZnamRKSt9nothrow_t")
    SAME("_ZnwmRKSt9nothrow_t");
void *new_array_aligned(size_t size, size_t align) CXX("_ZnamSt11align_val_t")
    SAME("_ZnwmSt11align_val_t");
void *new_array_aligned_nothrow(size_t size, size_t align, const void *tag)
    CXX("_ZnamSt11align_val_tRKSt9nothrow_t") SAME("_ZnwmSt11align_val_tRKSt9nothrow_t");

// ---- delete ------------------------------------------------------------------------------------

void new_delete(void *block) CXX("_ZdlPv");
void new_delete(void *block)
{
    malloc_release(block, "free");
}

void new_delete_array(void *block) CXX("_ZdaPv") SAME("_ZdlPv");
void new_delete_nothrow(void *block) CXX("_ZdlPvRKSt9nothrow_t") SAME("_ZdlPv");
void new_delete_array_nothrow(void *block) CXX("_ZdaPvRKSt9nothrow_t") SAME("_ZdlPv");
void new_delete_aligned(void *block) CXX("_ZdlPvSt11align_val_t") SAME("_ZdlPv");
void new_delete_array_aligned(void *block) CXX("_ZdaPvSt11align_val_t") SAME("_ZdlPv");
void new_delete_aligned_nothrow(void *block) CXX("_ZdlPvSt11align_val_tRKSt9nothrow_t")
    SAME("_ZdlPv");
void new_delete_array_aligned_nothrow(void *block) CXX("_ZdaPvSt11align_val_tRKSt9nothrow_t")
    SAME("_ZdlPv");

void new_delete_sized(void *block, size_t size) CXX("_ZdlPvm");
void new_delete_sized(void *block, size_t size)
{
    malloc_release_said(block, size, "free_sized");
}

void new_delete_array_sized(void *block, size_t size) CXX("_ZdaPvm") SAME("_ZdlPvm");

void new_delete_sized_aligned(void *block, size_t size, size_t align) CXX("_ZdlPvmSt11align_val_t");
void new_delete_sized_aligned(void *block, size_t size, size_t align)
{
    malloc_release_sized(block, align, size, "free_sized");
}

void new_delete_array_sized_aligned(void *block, size_t size, size_t align)
    CXX("_ZdaPvmSt11align_val_t") SAME("_ZdlPvmSt11align_val_t");
