# ipsec-mb, for AES-GCM and SHA-256 (docs/decisions/0007-aes-gcm.md), as a static library:
# only the few functions that are used are linked, and no shared object is
# loaded.  Where it is missing, or is another version without them, or the CPU
# is not x86-64, there is no target ipsec_mb and OpenSSL does the work.
find_library(WEFT_IPSEC_MB libIPSec_MB.a)
mark_as_advanced(WEFT_IPSEC_MB)
if(WEFT_IPSEC_MB)
    try_compile(WEFT_IPSEC_MB_FITS ${PROJECT_BINARY_DIR}/ipsec_mb
        ${PROJECT_SOURCE_DIR}/cmake/ipsec_mb_try.c LINK_LIBRARIES ${WEFT_IPSEC_MB})
    if(WEFT_IPSEC_MB_FITS)
        add_library(ipsec_mb INTERFACE)
        target_link_libraries(ipsec_mb INTERFACE ${WEFT_IPSEC_MB})
    endif()
endif()
