#include "cert_maker.h"
#include "crypto/pem.h"
#include "crypto/x509_link.h"
#include "msp/msp.h"
#include "weft_test.h"

/* The same certificate with the other s, as PEM. */
static void put_low(const struct made_cert *c, struct buf *out)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(x509_link_unref) struct x509_link *link = NULL;
    WEFT_CLEANUP(x509_link_unref) struct x509_link *low = NULL;
    EXPECT_OK(x509_link_parse(made_cert_der(c), &link, &e));
    EXPECT_OK(x509_link_low_s(link, link, &low, &e));
    EXPECT(low != link);
    pem_encode("CERTIFICATE", low->cert->der, out);
}

static enum weft_code set_up(const struct bytes *roots, size_t count, struct bytes unit,
                             struct weft_err *e)
{
    WEFT_CLEANUP(msp_unref) struct msp *msp = NULL;
    struct msp_config m = {
        .name = bytes_of_str("OrgMSP"),
        .roots = { roots, count },
        .has_node_ous = true,
        .node_ous_enabled = true,
        .node_ous = { [MSP_ROLE_ADMIN] = { true, unit, bytes_of_str("admin") },
                      [MSP_ROLE_PEER] = { true, unit, bytes_of_str("peer") } },
    };
    return msp_new(&m, &(struct msp_options){ .version = MSP_1_4_3 }, &msp, e);
}

TEST(a_units_ca_is_known_in_both_forms_whichever_came_and_how_often)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf low = { 0 };
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *ca =
        cert_make(&(struct cert_order){ .name = "ca", .is_ca = true, .odd = CERT_HIGH_S });
    put_low(ca, &low);
    const struct bytes high_form = made_cert_pem(ca), low_form = buf_bytes(&low);
    const struct bytes both[] = { high_form, low_form, high_form };
    EXPECT_OK(set_up(&high_form, 1, high_form, &e));
    EXPECT_OK(set_up(&high_form, 1, low_form, &e));
    EXPECT_OK(set_up(&low_form, 1, high_form, &e));
    EXPECT_OK(set_up(both, 3, high_form, &e));
    EXPECT_OK(set_up(both, 3, low_form, &e));
}

TEST(a_units_ca_must_be_one_of_the_msps)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *ca = cert_make(&(struct cert_order){ .name = "ca", .is_ca = true });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *other = cert_make(&(struct cert_order){ .name = "ca", .is_ca = true });
    const struct bytes root = made_cert_pem(ca);
    EXPECT_CODE(set_up(&root, 1, made_cert_pem(other), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "not in root or intermediate certs.");
}
