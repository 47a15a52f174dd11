#include "base/mailbox.h"

#include "weft_test.h"

#include <pthread.h>

struct number {
    struct mail mail;
    uint64_t n;
};

struct sum {
    uint64_t total, count;
};

static void add(struct mail *m, void *owner)
{
    struct number *number = WEFT_CONTAINER_OF(m, struct number, mail);
    struct sum *sum = owner;
    sum->total += number->n;
    sum->count++;
    free(number);
}

static void drop(struct mail *m)
{
    free(WEFT_CONTAINER_OF(m, struct number, mail));
}

static bool put(struct mailbox *mb, uint64_t n)
{
    struct number *m = weft_alloc(sizeof(*m));
    *m = (struct number){ { .handle = add, .drop = drop }, n };
    bool taken = mailbox_put(mb, &m->mail);
    if (!taken)
        free(m);
    return taken;
}

TEST(hands_over_in_order_and_at_most_as_many_as_asked)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 10);
    struct sum sum = { 0 };
    for (uint64_t i = 0; i < 10; i++)
        EXPECT(put(mb, i));
    EXPECT_EQ(mailbox_drain(mb, &sum, 3), 3);
    EXPECT_EQ(sum.total, 0 + 1 + 2);
    mailbox_wait(mb, -1); /* returns at once: mail is left */
    EXPECT_EQ(mailbox_drain(mb, &sum, 100), 7);
    EXPECT_EQ(sum.total, 45);
    EXPECT_EQ(mailbox_drain(mb, &sum, 100), 0);
}

TEST(refuses_when_full_and_when_closed)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 1);
    struct sum sum = { 0 };
    EXPECT(put(mb, 1));
    EXPECT(!put(mb, 2));
    EXPECT_EQ(mailbox_drain(mb, &sum, 8), 1);
    mailbox_close(mb);
    EXPECT(!put(mb, 3));
}

static void *write_many(void *arg)
{
    for (uint64_t i = 1; i <= 10000; i++)
        while (!put(arg, i))
            (void)sched_yield();
    return NULL;
}

TEST(loses_nothing_from_four_writers)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 64);
    struct sum sum = { 0 };
    pthread_t writers[4];
    for (size_t i = 0; i < 4; i++)
        EXPECT_EQ(pthread_create(&writers[i], NULL, write_many, mb), 0);
    while (sum.count < 40000) {
        mailbox_wait(mb, -1);
        (void)mailbox_drain(mb, &sum, 32);
    }
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(writers[i], NULL);
    EXPECT_EQ(sum.total, 4 * 10000ULL * 10001 / 2);
}

static void *put_two_waiting(void *arg)
{
    for (uint64_t i = 1; i <= 2; i++) {
        struct number *m = weft_alloc(sizeof(*m));
        *m = (struct number){ { .handle = add, .drop = drop }, i };
        if (!mailbox_put_waiting(arg, &m->mail))
            free(m);
    }
    return NULL;
}

static void let_two_wait(struct mailbox *mb, struct sum *sum, bool close)
{
    pthread_t writer;
    EXPECT_EQ(pthread_create(&writer, NULL, put_two_waiting, mb), 0);
    mailbox_wait(mb, -1);
    if (close)
        mailbox_close(mb);
    while (!close && sum->count < 2)
        if (mailbox_drain(mb, sum, 1) == 0)
            mailbox_wait(mb, -1);
    EXPECT_EQ(pthread_join(writer, NULL), 0);
}

TEST(a_patient_writer_waits_while_it_is_full_and_not_when_it_is_closed)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 1);
    struct sum sum = { 0 };
    let_two_wait(mb, &sum, false);
    EXPECT_EQ(sum.total, 3);
    let_two_wait(mb, &sum, true); /* the second one finds it closed */
}

TEST(drops_what_was_never_read)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *mb = mailbox_new("test", 4);
    EXPECT(put(mb, 1)); /* LeakSanitizer is the assertion */
}
