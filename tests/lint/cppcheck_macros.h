/* SPDX-License-Identifier: Apache-2.0 */
/* A macro of jansson that cppcheck must know; it does not read system headers. */
#define json_array_foreach(list, i, item) for (i = 0; (item = json_array_get(list, i)); i++)
