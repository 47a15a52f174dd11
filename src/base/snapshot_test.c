#include "base/snapshot.h"

#include "weft_test.h"

#include <pthread.h>
#include <stdatomic.h>

struct thing {
    _Atomic int refs;
    int a, b; /* b is always twice a */
};

static _Atomic int alive;

static struct thing *thing_new(int a)
{
    struct thing *t = weft_alloc(sizeof(*t));
    t->refs = 1;
    t->a = a;
    t->b = 2 * a;
    alive++;
    return t;
}

static void *thing_ref(void *p)
{
    ((struct thing *)p)->refs++;
    return p;
}

static void thing_unref(void *p)
{
    struct thing *t = p;
    if (--t->refs > 0)
        return;
    t->a = t->b = -1;
    alive--;
    free(t);
}

static const struct snapshot_ops ops = { thing_ref, thing_unref };

TEST(who_got_a_version_keeps_it_when_the_next_one_comes)
{
    struct snapshot *s = snapshot_new(thing_new(1), &ops);
    struct thing *t = snapshot_get(s);
    snapshot_set(s, thing_new(2));
    EXPECT_EQ(t->b, 2);
    thing_unref(t);
    t = snapshot_get(s);
    EXPECT_EQ(t->b, 4);
    snapshot_free(s);
    EXPECT_EQ(t->a, 2);
    thing_unref(t);
    EXPECT_EQ(alive, 0);
}

enum {
    ROUNDS = 20000
};

static void *read_on(void *arg)
{
    bool whole = true;
    for (int i = 0; i < ROUNDS; i++) {
        struct thing *t = snapshot_get(arg);
        whole = whole && t->b == 2 * t->a;
        thing_unref(t);
    }
    return whole ? arg : NULL;
}

TEST(readers_see_whole_versions_while_they_are_replaced)
{
    struct snapshot *s = snapshot_new(thing_new(0), &ops);
    pthread_t readers[2];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(readers); i++)
        EXPECT_EQ(pthread_create(&readers[i], NULL, read_on, s), 0);
    for (int i = 1; i < ROUNDS; i++)
        snapshot_set(s, thing_new(i));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(readers); i++) {
        void *whole = NULL;
        EXPECT_EQ(pthread_join(readers[i], &whole), 0);
        EXPECT(whole != NULL);
    }
    snapshot_free(s);
    EXPECT_EQ(alive, 0);
}
