#include "config/config_parts.h"

#define REFUSED "could not initialize BCCSP Factories: "
#define SW      REFUSED "Failed initializing BCCSP: Could not initialize BCCSP SW "

enum weft_code config_bccsp_check(const struct config_bccsp *b, const char *section,
                                  struct weft_err *e)
{
    if (strcmp(b->provider, "SW") != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         REFUSED "Could not find default `%s` BCCSP (%s.Default: want SW)",
                         b->provider, section);
    if (strcmp(b->hash, "SHA2") != 0 && strcmp(b->hash, "SHA3") != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         SW "[Failed initializing configuration at [%u,%s]: Hash Family not "
                            "supported [%s]] (%s.SW.Hash: want SHA2 or SHA3)",
                         b->security, b->hash, b->hash, section);
    if (b->security != 256 && b->security != 384)
        return WEFT_FAIL(e, WEFT_INVALID,
                         SW "[Failed initializing configuration at [%u,%s]: Security level not "
                            "supported [%u]] (%s.SW.Security: want 256 or 384)",
                         b->security, b->hash, b->security, section);
    return WEFT_OK;
}
