/* bundle_cases.h - questions about configurations, whose answers are Fabric's.
 *
 * tests/vectors/bundle/cases.txt has them as text: what is changed in the channel
 * of test_channel.h, and what Fabric 2.2.15 said to the result.
 *
 *     case a batch of no message
 *     new                              channelconfig.NewBundle
 *     hex Orderer BatchSize 1080081880 08
 *     => no: initializing channelconfig failed: ...
 *
 * Questions are
 *     new          a bundle of the changed configuration
 *     supported    the same, and whether its capabilities are supported
 *     next         may the channel go from the plain one to the changed one?
 *     update       an update that leads there: "sign" says whose admins sign it
 *
 * Changes, G being a group such as Application/Org1MSP, "-" the root; after the
 * word "now" they change the configuration that an update or "next" starts from:
 *     hex G NAME BYTES    text G NAME TEXT    drop G NAME          a value
 *     caps G NAME...                                               its capabilities
 *     group G NAME    nogroup G NAME    copygroup G NAME FROM      a group in G
 *     policy G NAME TYPE BYTES    meta G NAME SUB RULE    nopolicy G NAME
 *     mod G KIND NAME POLICY    version G KIND NAME N              of a member
 *     msp G BYTES    copymsp G FROM        bytes added to FabricMSPConfig
 *     channel NAME
 * and in an update
 *     read G KIND NAME N    write G KIND NAME N    versions in its sets, KIND "." for G itself
 *     writemod G KIND NAME POLICY          id NAME: the ConfigUpdate's channel
 *
 * Answers are "=> yes", "=> no: WORDS" when ours must be the same, and
 * "=> no, otherwise: WORDS" where our words are not Fabric's.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_BUNDLE_CASES_H
#define WEFT_TESTS_BUNDLE_CASES_H

#include "test_channel.h"

enum bundle_question {
    ASK_NEW,
    ASK_SUPPORTED,
    ASK_NEXT,
    ASK_UPDATE,
};

struct bundle_case {
    char name[80];
    enum bundle_question question;
    char channel[300];
    struct buf now, changed; /* ConfigGroup */
    struct buf update;       /* an Envelope, of ASK_UPDATE */
    bool yes, same_words;
    char words[512];
};

/* Calls back for each case of the text; the plain channel is made once. */
void bundle_cases_run(struct bytes text, void (*run)(void *ctx, const struct bundle_case *c),
                      void *ctx);

#endif
