/* empty_state.h - a state without anything in it, to lay updates over.
 *
 *     struct state_overlay o = { updates, empty_state };
 *
 * Go origin   none
 * Owner       any thread
 */
#ifndef WEFT_TESTS_EMPTY_STATE_H
#define WEFT_TESTS_EMPTY_STATE_H

#include "state/state_reader.h"

extern const struct state_reader empty_state;

#endif
