/* x509_names.h - alternative names, and a CA's constraints on them.
 *
 *     CA's constraints     permitted: dns .example.com    excluded: ip 10.0.0.0/8
 *     certificate's names  dns peer0.example.com, ip 192.168.1.7        allowed
 *     certificate's names  dns peer0.example.org                        not permitted
 *
 * As Go's crypto/x509 decides it: for each name, no excluded constraint of its
 * kind may match, and if there are permitted ones of its kind, one must.  DNS
 * names, mail addresses, URIs and IP addresses have constraints, other names
 * pass.
 *
 * Go origin   none (crypto/x509 checkNameConstraints)
 * Differs     of a URI the host is cut out without checking the rest
 * Owner       any thread
 * Memory      borrows
 * Limits      LIMIT_NAME_COMPARISONS a certificate, as in Go
 */
#ifndef WEFT_CRYPTO_X509_NAMES_H
#define WEFT_CRYPTO_X509_NAMES_H

#include "base/bytes.h"

/* A subjectAltName extension's value.  NULL if it is well formed, else why not;
 * *ret_unknown: it has no name of a kind that Go knows. */
const char *x509_names_check(struct bytes san, bool *ret_unknown);

/* The same of a nameConstraints extension; *ret_unknown: it constrains names of
 * another kind as well. */
const char *x509_name_constraints_check(struct bytes constraints, bool *ret_unknown);

/* Both were checked.  WEFT_FORBIDDEN with Go's words. */
enum weft_code x509_name_constraints_allow(struct bytes constraints, struct bytes san,
                                           struct weft_err *e) WEFT_MUST_CHECK;

/* May be the name of a host: for the rule that a host's name in the CN alone is
 * no name to constrain. */
bool x509_is_hostname(const char *name);

#endif
