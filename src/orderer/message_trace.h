/* message_trace.h - keeps what clients sent, for whoever has to find out why.
 *
 *     Debug.BroadcastTraceDir: /tmp/trace
 *         /tmp/trace/1603100000123456789_7f32a8.Broadcast     the envelope's bytes
 *
 * Go origin   orderer/common/server/server.go trace
 * Owner       any thread; waits for the disk
 */
#ifndef WEFT_ORDERER_MESSAGE_TRACE_H
#define WEFT_ORDERER_MESSAGE_TRACE_H

#include "base/bytes.h"

/* dir NULL or "": does nothing.  A file that can't be written is said in the log. */
void message_trace(const char *dir, const char *function, struct bytes message);

#endif
