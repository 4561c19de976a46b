/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_redirect - a 3xx of a peer whose redirects we follow becomes the next attempts of the call; and the list of attempts.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_REDIRECT_H
#define SBE_CALL_CALL_REDIRECT_H

#include <stdbool.h>

struct call;
struct wire_msg;

/** Take the Contacts of a 3xx. @return true: the call goes on elsewhere. */
bool call_redirect(struct call *call, const struct wire_msg *m);
/** After this status of one Contact, is another one to be tried? */
bool call_redirect_goes_on(const struct call *call, int status);
/** Has it had all the INVITEs it may have? */
bool call_redirect_spent(const struct call *call);
/** The present attempt ended so. @param result CDR word, static. */
void call_attempt_note(struct call *call, int status, const char *result);
void call_attempts_free(struct call *call);

#endif
