#include "msp/msp_manager.h"

#include "proto/identity.h"

#include <stdatomic.h>

struct msp_manager {
    _Atomic uint32_t refs;
    size_t count;
    struct msp **msps; /* by name */
};

static int by_name(const void *a, const void *b)
{
    struct msp *const *x = a, *const *y = b;
    return bytes_cmp(msp_name(*x), msp_name(*y));
}

struct msp_manager *msp_manager_new(struct msp *const *msps, size_t count)
{
    struct msp_manager *m = weft_alloc(sizeof(*m));
    atomic_init(&m->refs, 1);
    m->msps = weft_alloc((count + 1) * sizeof(struct msp *));
    for (size_t i = 0; i < count; i++) {
        bool hidden = false;
        for (size_t k = i + 1; k < count && !hidden; k++)
            hidden = bytes_eq(msp_name(msps[i]), msp_name(msps[k]));
        if (!hidden)
            m->msps[m->count++] = msp_ref(msps[i]);
    }
    qsort(m->msps, m->count, sizeof(struct msp *), by_name);
    return m;
}

struct msp_manager *msp_manager_ref(struct msp_manager *m)
{
    (void)atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void msp_manager_unref(struct msp_manager *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < m->count; i++)
        msp_unref(m->msps[i]);
    free(m->msps);
    free(m);
}

size_t msp_manager_count(const struct msp_manager *m)
{
    return m->count;
}

struct msp *msp_manager_at(const struct msp_manager *m, size_t i)
{
    return m->msps[i];
}

struct msp *msp_manager_find(const struct msp_manager *m, struct bytes name)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        int order = bytes_cmp(name, msp_name(m->msps[at]));
        if (order == 0)
            return m->msps[at];
        if (order < 0)
            high = at;
        else
            low = at + 1;
    }
    return NULL;
}

enum weft_code msp_manager_deserialize(const struct msp_manager *m, struct bytes serialized,
                                       struct msp_identity **ret, struct weft_err *e)
{
    struct serialized_identity s = { 0 };
    enum weft_code rc = serialized_identity_parse(serialized, &s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not deserialize a SerializedIdentity");
    struct msp *msp = msp_manager_find(m, s.mspid);
    if (msp == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "MSP %.*s is not defined on channel", (int)s.mspid.len,
                         (const char *)s.mspid.data);
    return msp_identity_parse(msp, s.id_bytes, ret, e);
}
