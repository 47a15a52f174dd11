/* AES-GCM a record at a time: the best there is here beside OpenSSL's, in slices of a few
 * milliseconds that take turns. */
#include "crypto/aes_gcm.h"

#include "bench.h"

#include <stdio.h>

enum {
    SLICES = 41,
    SLICE_BYTES = 4 << 20,
};

static uint8_t record[16384];

static double slice(struct aes_gcm *g, size_t size, enum aes_gcm_use use)
{
    const uint8_t header[5] = { 23, 3, 3 };
    uint8_t iv[AES_GCM_IV] = { 0 }, tag[AES_GCM_TAG] = { 0 };
    double from = bench_cpu();
    for (size_t done = 0; done < SLICE_BYTES; done += size) {
        iv[done / size % AES_GCM_IV]++;
        aes_gcm_begin(g, iv, bytes_of(header, sizeof(header)));
        aes_gcm_text(g, record, record, size);
        if (use == AES_GCM_ENCRYPTS)
            aes_gcm_seal(g, tag);
        else
            WEFT_IGNORE(aes_gcm_open(g, tag)); /* it is wrong: that costs the same */
    }
    return bench_cpu() - from;
}

static void compare(size_t key_len, size_t size, enum aes_gcm_use use)
{
    const uint8_t key[32] = { 1 };
    WEFT_CLEANUP(aes_gcm_free) struct aes_gcm *ours = aes_gcm_new(key, key_len, use);
    WEFT_CLEANUP(aes_gcm_free) struct aes_gcm *plain = aes_gcm_new_plain(key, key_len, use);
    double best[2] = { 1e9, 1e9 };
    for (int i = 0; i < SLICES; i++) {
        double a = slice(ours, size, use), b = slice(plain, size, use);
        best[0] = a < best[0] ? a : best[0];
        best[1] = b < best[1] ? b : best[1];
    }
    WEFT_FREE char *row = weft_asprintf("AES-%zu-GCM %s, %zu B", 8 * key_len,
                                        use == AES_GCM_ENCRYPTS ? "encrypt" : "decrypt", size);
    WEFT_FREE char *remark = weft_asprintf("OpenSSL's %.2f GB/s: %.1f times",
                                           SLICE_BYTES / best[1] / 1e9, best[1] / best[0]);
    bench_print(row, SLICE_BYTES / best[0] / 1e9, "GB/s", remark);
}

int main(void)
{
    if (!aes_gcm_is_fast())
        printf("  no ipsec-mb here, or a CPU without VAES and AVX-512: OpenSSL beside itself\n");
    compare(16, 16384, AES_GCM_ENCRYPTS);
    compare(16, 16384, AES_GCM_DECRYPTS);
    compare(16, 4096, AES_GCM_ENCRYPTS);
    compare(16, 256, AES_GCM_ENCRYPTS);
    compare(32, 16384, AES_GCM_ENCRYPTS);
    return 0;
}
