#include "os/memory.h"

#include "base/weft.h"

#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MALLOC_TRIMS_AT = 128 << 10, /* freed at once, so much has it look at the heap's end */
};

static int warm_bytes = MALLOC_TRIMS_AT;

void memory_keep_warm(int bytes)
{
    warm_bytes = bytes;
    /* If not, it is slower and no more. */
    (void)mallopt(M_MMAP_THRESHOLD, MEMORY_WARM_BYTES); /* NOLINT(concurrency-mt-unsafe) */
    (void)mallopt(M_TRIM_THRESHOLD, bytes);             /* NOLINT(concurrency-mt-unsafe) */
}

/* Code that the loader has written to would not come back as it was. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_DYNAMIC)
            continue;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the loader's way to say where it is */
        const ElfW(Dyn) *d = (const ElfW(Dyn) *)(info->dlpi_addr + p->p_vaddr);
        for (; d->d_tag != DT_NULL; d++)
            if (d->d_tag == DT_TEXTREL ||
                (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

/* What of a program or library cannot be written lies in its file as in memory.  What the
 * loader makes read-only later (relocations) belongs to a segment that can be written. */
static int drop_clean(struct dl_phdr_info *info, size_t size, void *ctx)
{
    uintptr_t page = *(const uintptr_t *)ctx;
    (void)size;
    if (info->dlpi_addr == getauxval(AT_SYSINFO_EHDR) || has_text_relocations(info))
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0)
            continue;
        uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t to = (info->dlpi_addr + p->p_vaddr + p->p_filesz + page - 1) & ~(page - 1);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): as above */
        (void)madvise((void *)from, to - from, MADV_DONTNEED); /* if not, it stays */
    }
    return 0;
}

/* malloc_trim leaves what is free at the end of other heaps than the first: only who frees there
 * gives it back.  So we do, with a limit of nothing meanwhile. */
static void trim_own_heap(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, 0); /* NOLINT(concurrency-mt-unsafe): a number */
    void *volatile piece = malloc(MALLOC_TRIMS_AT);
    free(piece);
    (void)mallopt(M_TRIM_THRESHOLD, warm_bytes); /* NOLINT(concurrency-mt-unsafe) */
}

void memory_give_back(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)malloc_trim(0); /* says whether there was something */
    trim_own_heap();
    (void)dl_iterate_phdr(drop_clean, &page);
}
