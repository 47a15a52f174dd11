#include "ops/metrics.h"

#include "base/limits.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

LOG_DEFINE(logger, "operations.metrics");

enum {
    SLOTS_FIRST = 64,
    NUMBER_MAX = 32,
};

struct metrics_owner {
    struct metrics_owner *next;
    struct metric_cell *_Atomic cells; /* newest first; readers walk it at any time */
    struct metric_cell **slots;        /* by hash; the owner's alone */
    size_t slot_count, count;
    bool full;
};

struct metrics {
    struct metrics_owner *_Atomic owners;
};

struct metrics *metrics_new(void)
{
    return weft_alloc(sizeof(struct metrics));
}

static void owner_free(struct metrics_owner *o)
{
    struct metric_cell *c = atomic_load(&o->cells);
    while (c != NULL) {
        struct metric_cell *next = c->next;
        free(c->labels);
        free(c);
        c = next;
    }
    free(o->slots);
    free(o);
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    struct metrics_owner *o = atomic_load(&m->owners);
    while (o != NULL) {
        struct metrics_owner *next = o->next;
        owner_free(o);
        o = next;
    }
    free(m);
}

struct metrics_owner *metrics_owner_new(struct metrics *m)
{
    if (m == NULL)
        return NULL;
    struct metrics_owner *o = weft_alloc(sizeof(*o));
    o->slot_count = SLOTS_FIRST;
    o->slots = weft_alloc(o->slot_count * sizeof(struct metric_cell *));
    o->next = atomic_load(&m->owners);
    while (!atomic_compare_exchange_weak(&m->owners, &o->next, o)) {
    }
    return o;
}

/* ---- finding a cell -------------------------------------------------------- */

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            buf_put_str(out, "\\n");
            continue;
        }
        if (*text == '\\' || *text == '"')
            buf_put_u8(out, '\\');
        buf_put_u8(out, (uint8_t)*text);
    }
}

/* Labels as they are printed: by the order of their names. */
static void put_labels(struct buf *out, const struct metric_def *d, const char *const *values)
{
    bool done[METRIC_LABELS_MAX] = { false };
    for (size_t n = 0; n < d->label_count; n++) {
        size_t least = METRIC_LABELS_MAX;
        for (size_t i = 0; i < d->label_count; i++)
            if (!done[i] &&
                (least == METRIC_LABELS_MAX || strcmp(d->labels[i], d->labels[least]) < 0))
                least = i;
        done[least] = true;
        buf_printf(out, "%s%s=\"", n > 0 ? "," : "", d->labels[least]);
        put_escaped(out, values[least]);
        buf_put_u8(out, '"');
    }
}

static uint64_t hash_of(const struct metric_def *d, struct bytes labels)
{
    uint64_t h = 0xcbf29ce484222325ULL ^ (uint64_t)(d - metric_defs);
    for (size_t i = 0; i < labels.len; i++)
        h = (h ^ labels.data[i]) * 0x100000001b3ULL;
    return h ^ (h >> 29);
}

/* Where this cell is, or where it would go. */
static struct metric_cell **slot_of(struct metrics_owner *o, const struct metric_def *d,
                                    struct bytes labels)
{
    for (size_t at = hash_of(d, labels);; at++) {
        struct metric_cell **slot = &o->slots[at & (o->slot_count - 1)];
        if (*slot == NULL || ((*slot)->def == d && bytes_eq(bytes_of_str((*slot)->labels), labels)))
            return slot;
    }
}

static void grow(struct metrics_owner *o)
{
    struct metric_cell **old = o->slots;
    size_t n = o->slot_count;
    o->slot_count *= 2;
    o->slots = weft_alloc(o->slot_count * sizeof(struct metric_cell *));
    for (size_t i = 0; i < n; i++)
        if (old[i] != NULL)
            *slot_of(o, old[i]->def, bytes_of_str(old[i]->labels)) = old[i];
    free(old);
}

static struct metric_cell *add_cell(struct metrics_owner *o, const struct metric_def *d,
                                    struct bytes labels)
{
    struct metric_cell *c = weft_alloc(sizeof(*c) + d->bucket_count * sizeof(_Atomic uint64_t));
    c->def = d;
    c->labels = bytes_dup_str(labels);
    c->next = atomic_load_explicit(&o->cells, memory_order_relaxed);
    if (++o->count * 2 > o->slot_count)
        grow(o);
    *slot_of(o, d, labels) = c;
    atomic_store_explicit(&o->cells, c, memory_order_release);
    return c;
}

struct metric_cell *metric_cell(struct metrics_owner *o, enum metric_name which,
                                const char *const *values)
{
    if (o == NULL)
        return NULL;
    const struct metric_def *d = &metric_defs[which];
    WEFT_ASSERT(values != NULL || d->label_count == 0);
    WEFT_CLEANUP(buf_done) struct buf labels = { 0 };
    put_labels(&labels, d, values);
    struct metric_cell *c = *slot_of(o, d, buf_bytes(&labels));
    if (c != NULL)
        return c;
    if (o->count < LIMIT_METRIC_CELLS)
        return add_cell(o, d, buf_bytes(&labels));
    if (!o->full)
        LOG_WARN(&logger, "too many label values, ignoring further ones" LOG_KV "metric=%s",
                 d->name);
    o->full = true;
    return NULL;
}

void metric_observe(struct metric_cell *c, double value)
{
    if (c == NULL)
        return;
    const struct metric_def *d = c->def;
    double sum = atomic_load_explicit(&c->value, memory_order_relaxed);
    for (size_t i = 0; i < d->bucket_count; i++) {
        if (value > d->buckets[i])
            continue;
        uint64_t n = atomic_load_explicit(&c->in_bucket[i], memory_order_relaxed);
        atomic_store_explicit(&c->in_bucket[i], n + 1, memory_order_relaxed);
        break;
    }
    atomic_store_explicit(&c->value, sum + value, memory_order_relaxed);
    metric_add(c, 1);
}

/* ---- a scrape --------------------------------------------------------------- */

struct found {
    const struct metric_cell **cells;
    size_t count, cap;
};

static void find_cells(struct metrics *m, struct found *f)
{
    for (struct metrics_owner *o = atomic_load(&m->owners); o != NULL; o = o->next) {
        const struct metric_cell *c = atomic_load_explicit(&o->cells, memory_order_acquire);
        for (; c != NULL; c = c->next) {
            if (!atomic_load_explicit(&c->touched, memory_order_relaxed))
                continue;
            if (f->count == f->cap) {
                f->cap = f->cap > 0 ? f->cap * 2 : 256;
                f->cells = weft_realloc(f->cells, f->cap * sizeof(struct metric_cell *));
            }
            f->cells[f->count++] = c;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct metric_cell *x = *(const struct metric_cell *const *)a;
    const struct metric_cell *y = *(const struct metric_cell *const *)b;
    if (x->def != y->def)
        return x->def < y->def ? -1 : 1;
    return strcmp(x->labels, y->labels);
}

/* The shortest text that reads back as the same number. */
static const char *number_text(double v, char out[NUMBER_MAX])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, NUMBER_MAX, "%.*g", digits, v);
        char *end = NULL;
        if (strtod(out, &end) == v)
            break;
    }
    return out;
}

static void write_line(struct buf *out, const struct metric_cell *c, const char *suffix,
                       const char *value)
{
    bool has = c->labels[0] != '\0';
    buf_printf(out, "%s%s%s%s%s %s\n", c->def->name, suffix, has ? "{" : "", c->labels,
               has ? "}" : "", value);
}

static void write_histogram(struct buf *out, const struct metric_cell *const *same, size_t n)
{
    const struct metric_def *d = same[0]->def;
    const char *comma = same[0]->labels[0] != '\0' ? "," : "";
    char text[NUMBER_MAX];
    uint64_t so_far = 0, all = 0;
    double sum = 0;
    for (size_t b = 0; b < d->bucket_count; b++) {
        for (size_t i = 0; i < n; i++)
            so_far += atomic_load_explicit(&same[i]->in_bucket[b], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", d->name, same[0]->labels, comma,
                   number_text(d->buckets[b], text), so_far);
    }
    for (size_t i = 0; i < n; i++) {
        all += atomic_load_explicit(&same[i]->count, memory_order_relaxed);
        sum += atomic_load_explicit(&same[i]->value, memory_order_relaxed);
    }
    if (all < so_far) /* it was just being counted */
        all = so_far;
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", d->name, same[0]->labels, comma,
               all);
    write_line(out, same[0], "_sum", number_text(sum, text));
    (void)snprintf(text, sizeof(text), "%" PRIu64, all);
    write_line(out, same[0], "_count", text);
}

/* Cells of one name and the same labels, whoever counts into them. */
static struct metric_sum sum_of(const struct metric_cell *const *same, size_t n)
{
    struct metric_sum s = { .def = same[0]->def, .labels = same[0]->labels };
    for (size_t i = 0; i < n; i++) {
        s.count += atomic_load_explicit(&same[i]->count, memory_order_relaxed);
        s.value += atomic_load_explicit(&same[i]->value, memory_order_relaxed);
    }
    return s;
}

static void write_series(struct buf *out, const struct metric_cell *const *same, size_t n)
{
    char text[NUMBER_MAX];
    if (same[0]->def->kind == METRIC_HISTOGRAM) {
        write_histogram(out, same, n);
        return;
    }
    struct metric_sum s = sum_of(same, n);
    /* a counter is whole numbers, but for the CPU seconds, which are set */
    write_line(out, same[0], "", number_text((double)s.count + s.value, text));
}

/* Calls `series` with the cells of each name and labels, sorted. */
static void walk(struct metrics *m,
                 void (*series)(void *ctx, const struct metric_cell *const *same, size_t n),
                 void *ctx)
{
    struct found f = { 0 };
    find_cells(m, &f);
    if (f.count > 0)
        qsort(f.cells, f.count, sizeof(f.cells[0]), compare);
    for (size_t i = 0, n = 0; i < f.count; i += n) {
        for (n = 1; i + n < f.count && compare(&f.cells[i], &f.cells[i + n]) == 0; n++) {
        }
        series(ctx, f.cells + i, n);
    }
    free(f.cells);
}

struct writing {
    struct buf *out;
    const struct metric_def *last;
};

static void write_with_head(void *ctx, const struct metric_cell *const *same, size_t n)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    struct writing *w = ctx;
    const struct metric_def *d = same[0]->def;
    if (d != w->last)
        buf_printf(w->out, "# HELP %s %s\n# TYPE %s %s\n", d->name, d->help, d->name,
                   kinds[d->kind]);
    w->last = d;
    write_series(w->out, same, n);
}

void metrics_write(struct metrics *m, struct buf *out)
{
    struct writing w = { .out = out };
    walk(m, write_with_head, &w);
}

struct telling {
    void (*each)(void *ctx, const struct metric_sum *s);
    void *ctx;
};

static void tell_sum(void *ctx, const struct metric_cell *const *same, size_t n)
{
    const struct telling *t = ctx;
    struct metric_sum s = sum_of(same, n);
    t->each(t->ctx, &s);
}

void metrics_each(struct metrics *m, void (*each)(void *ctx, const struct metric_sum *s), void *ctx)
{
    struct telling t = { each, ctx };
    walk(m, tell_sum, &t);
}

uint64_t metrics_count(struct metrics *m, enum metric_name which)
{
    struct found f = { 0 };
    uint64_t n = 0;
    find_cells(m, &f);
    for (size_t i = 0; i < f.count; i++)
        if (f.cells[i]->def == &metric_defs[which])
            n += atomic_load_explicit(&f.cells[i]->count, memory_order_relaxed);
    free(f.cells);
    return n;
}
