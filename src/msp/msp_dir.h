/* msp_dir.h - an MSP's configuration from a folder.
 *
 *     cacerts/                       roots: at least one
 *     intermediatecerts/  admincerts/  crls/
 *     tlscacerts/  tlsintermediatecerts/
 *     signcerts/                    a node's own: the first file
 *     config.yaml                   OrganizationalUnitIdentifiers, NodeOUs
 *
 * Files are taken in the order of their names, each whole; files without a PEM
 * block, and folders, are passed over with a warning.  NodeOUs counts only
 * when it is enabled.
 *
 *     msp_dir_read("crypto/.../msp", "Org1MSP", MSP_DIR_VERIFYING, &arena, &config, e)
 *
 * Go origin   msp/configbuilder.go
 * Differs     an empty cacerts is refused here (Fabric: when the MSP is set up)
 * Owner       any thread; reads files
 * Memory      all of it lies in the arena
 * Limits      LIMIT_PEM_TEXT a file, LIMIT_MSP_ITEMS files a folder,
 *             LIMIT_YAML_BYTES for config.yaml
 */
#ifndef WEFT_MSP_MSP_DIR_H
#define WEFT_MSP_MSP_DIR_H

#include "msp/msp_config.h"

enum msp_dir_kind {
    MSP_DIR_VERIFYING, /* somebody's, to know them by */
    MSP_DIR_LOCAL,     /* our own: with signcerts */
};

enum weft_code msp_dir_read(const char *dir, const char *msp_id, enum msp_dir_kind kind,
                            struct arena *arena, struct msp_config *ret,
                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
