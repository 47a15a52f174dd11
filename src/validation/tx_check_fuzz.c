/* Any bytes as an envelope, by the rules of several versions: every code is one that has a
 * name, and what is read lies within the envelope. */
#include "validation/tx_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_within(struct bytes whole, struct bytes part)
{
    if (part.len > 0)
        WEFT_ASSERT(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void expect_sound(struct bytes envelope, const struct tx_check *c)
{
    WEFT_ASSERT(tx_validation_code_name(c->code) != NULL);
    WEFT_ASSERT(tx_validation_code_name(c->code_after_creator) != NULL);
    WEFT_ASSERT(tx_validation_code_name(c->code_in_turn) != NULL);
    expect_within(envelope, c->creator);
    expect_within(envelope, c->payload);
    expect_within(envelope, c->signature);
    expect_within(envelope, c->response_payload);
    for (size_t i = 0; i < c->endorsement_count; i++)
        expect_within(envelope, c->endorsements[i].endorser);
    for (size_t i = 0; i < c->namespace_count; i++) {
        expect_within(envelope, c->namespaces[i].name);
        for (size_t j = 0; j < c->namespaces[i].collection_count; j++)
            expect_within(envelope, c->namespaces[i].collections[j].name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tx_rules rules[] = {
        { .v20 = true, .v1_2 = true, .private_data = true, .key_level = true, .v1_3 = true },
        { .v1_2 = true, .private_data = true },
        { .v20 = false },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rules); i++) {
        WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
        struct tx_check c;
        tx_check(bytes_of(data, size), &rules[i], &arena, &c);
        expect_sound(bytes_of(data, size), &c);
    }
    return 0;
}
